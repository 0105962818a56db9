#!/usr/bin/env node
// CommonJS (see package.json beside this file), because node starts it in less time than a module. Where node keeps
// compiled code (22.1 and newer) it is kept.
require('node:module').enableCompileCache?.();
require('../dist/start.cjs').start();
