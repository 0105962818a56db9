/** The real Pi against a scripted model. */

import { describeProgram } from './cases.js';
import { describeLine } from './line-cases.js';
import { PROGRAMS } from './programs.js';

describeProgram(PROGRAMS.pi);
describeLine(PROGRAMS.pi);
