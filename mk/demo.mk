# make demo: the tool at work on one sample. A buggy driver is caught, its failure replayed, and the repaired twin
# explored to the end. Succeeds only when all three behave as expected.
.PHONY: demo-run
demo-run: host guest samples
	@sh tests/demo.sh '$(BUILD)'
