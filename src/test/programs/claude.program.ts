/** The real Claude against a scripted model. */

import { describeProgram } from './cases.js';
import { describeLine } from './line-cases.js';
import { PROGRAMS } from './programs.js';

describeProgram(PROGRAMS.claude);
describeLine(PROGRAMS.claude);
