#!/usr/bin/env node
// Entry of the `holdfast` command: hands over to the built command-line program.
import "../dist/cli/main.js";
