"""What language models do in graphs: write, answer in a form, sum up, call tools. Their clients: `blocks/llm`."""
