"""Blocks that act on GitHub with a user's credential: one module for each subject.

`GITHUB_BLOCKS` is what `catalogue.py` registers. What GitHub is asked is in `providers/github….py`.
"""

from blocks.github.branches import (
    GithubCompareBranches,
    GithubDeleteBranch,
    GithubListBranches,
    GithubListCommits,
    GithubMakeBranch,
    GithubMultiFileCommit,
)
from blocks.github.checks import (
    GithubCreateCheckRun,
    GithubCreateStatus,
    GithubGetCIResults,
    GithubUpdateCheckRun,
)
from blocks.github.files import (
    GithubCreateFile,
    GithubGetRepositoryTree,
    GithubReadFile,
    GithubReadFolder,
    GithubSearchCode,
    GithubUpdateFile,
)
from blocks.github.issues import (
    GithubAddLabel,
    GithubAssignIssue,
    GithubComment,
    GithubListComments,
    GithubListIssues,
    GithubMakeIssue,
    GithubReadIssue,
    GithubRemoveLabel,
    GithubUnassignIssue,
    GithubUpdateComment,
)
from blocks.github.pull_requests import (
    GithubAssignPRReviewer,
    GithubListPRReviewers,
    GithubListPullRequests,
    GithubMakePullRequest,
    GithubMergePullRequest,
    GithubReadPullRequest,
    GithubUnassignPRReviewer,
)
from blocks.github.repositories import (
    GithubCreateRepository,
    GithubForkRepository,
    GithubGetRepositoryInfo,
    GithubListDiscussions,
    GithubListReleases,
    GithubListStargazers,
    GithubListTags,
    GithubStarRepository,
)
from blocks.github.reviews import (
    GithubCreateCommentObject,
    GithubCreatePRReview,
    GithubGetPRReviewComments,
    GithubListPRReviews,
    GithubResolveReviewDiscussion,
    GithubSubmitPendingReview,
)

GITHUB_BLOCKS = (
    # issues
    GithubComment,
    GithubUpdateComment,
    GithubListComments,
    GithubMakeIssue,
    GithubReadIssue,
    GithubListIssues,
    GithubAddLabel,
    GithubRemoveLabel,
    GithubAssignIssue,
    GithubUnassignIssue,
    # pull requests
    GithubListPullRequests,
    GithubMakePullRequest,
    GithubReadPullRequest,
    GithubMergePullRequest,
    GithubAssignPRReviewer,
    GithubUnassignPRReviewer,
    GithubListPRReviewers,
    # reviews
    GithubCreatePRReview,
    GithubSubmitPendingReview,
    GithubListPRReviews,
    GithubGetPRReviewComments,
    GithubResolveReviewDiscussion,
    GithubCreateCommentObject,
    # repositories
    GithubCreateRepository,
    GithubForkRepository,
    GithubStarRepository,
    GithubGetRepositoryInfo,
    GithubListTags,
    GithubListReleases,
    GithubListStargazers,
    GithubListDiscussions,
    # files
    GithubReadFile,
    GithubReadFolder,
    GithubCreateFile,
    GithubUpdateFile,
    GithubSearchCode,
    GithubGetRepositoryTree,
    # branches
    GithubListBranches,
    GithubMakeBranch,
    GithubDeleteBranch,
    GithubCompareBranches,
    GithubListCommits,
    GithubMultiFileCommit,
    # checks
    GithubCreateCheckRun,
    GithubUpdateCheckRun,
    GithubCreateStatus,
    GithubGetCIResults,
)
