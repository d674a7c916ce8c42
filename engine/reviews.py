"""Decisions of people on node executions that wait for them: which are open, and that each is made once.

Held by the workflow, which asks it at each decision; the scheduler only learns that an execution goes on. The first
decision on a review stands, the same one again is answered with it, another one is refused (architecture §5).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MOST_DECIDED = 100
"""Decisions that a run remembers, the latest: it takes them along when it continues. Rows know them all."""


class ReviewUnknown(Exception):
    """No node execution of the run waits for this decision, and none ever did."""


class ReviewDecided(Exception):
    """Somebody decided otherwise before; `decided` is what stands."""

    def __init__(self, decided: "Decided") -> None:
        self.decided = decided
        super().__init__(decided.message)


class NotEditable(Exception):
    """The reviewer changed data that may not be changed."""


@dataclass(frozen=True, slots=True)
class OpenReview:
    """A review that waits for its decision."""

    node_execution_id: str
    node_id: str
    editable: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as it stands. `at` in seconds since the epoch; `digest` tells whether another one is the same."""

    node_execution_id: str
    approved: bool
    reviewer: str
    message: str
    digest: str
    at: float
    edited: bool = False
    lasts: bool = False
    """Later executions of the node are approved without asking."""


@dataclass(slots=True)
class ReviewBook:
    """The reviews of one run, by their ids."""

    open: dict[str, OpenReview] = field(default_factory=dict)
    decided: dict[str, Decided] = field(default_factory=dict)
    approved_nodes: list[str] = field(default_factory=list)
    """Nodes whose later executions are approved without asking."""

    def rebuilt(self, open: Mapping[str, OpenReview], approved_nodes: Iterable[str]) -> None:
        """The run continues another: these wait still, and these nodes were approved for good."""
        self.open.update(open)
        self.approved_nodes.extend(approved_nodes)

    def opened(self, review_id: str, review: OpenReview) -> None:
        """A node execution asks for a decision; what was decided before (a reset took that back) is forgotten."""
        self.decided.pop(review_id, None)
        self.open[review_id] = review

    def decide(
        self,
        review_id: str,
        *,
        approved: bool,
        edited: bool,
        reviewer: str,
        message: str,
        digest: str,
        at: float,
        approve_future: bool = False,
    ) -> tuple[Decided, bool]:
        """The decision that stands, and whether it is this one. ReviewUnknown, ReviewDecided, NotEditable."""
        if earlier := self.decided.get(review_id):
            if earlier.digest != digest:
                raise ReviewDecided(earlier)
            return earlier, False
        review = self.open.get(review_id)
        if review is None:
            raise ReviewUnknown
        if edited and not review.editable:
            raise NotEditable
        del self.open[review_id]
        lasts = approve_future and approved
        decided = Decided(review.node_execution_id, approved, reviewer, message, digest, at, edited, lasts)
        self.decided[review_id] = decided
        if len(self.decided) > MOST_DECIDED:
            del self.decided[next(iter(self.decided))]
        if lasts and review.node_id not in self.approved_nodes:
            self.approved_nodes.append(review.node_id)
        return decided, True

    def review_of(self, node_execution_id: str) -> str | None:
        """The open review of a node execution."""
        return next((id for id, review in self.open.items() if review.node_execution_id == node_execution_id), None)
