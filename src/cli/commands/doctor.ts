/** `conductor doctor`: what is in the way of a build, and what to do about it. */

import { examine } from '../../engine/doctor/doctor.js';
import { doctorText } from '../../report/doctor.js';
import { print, printJson, styleFor } from '../output.js';
import { createSurroundings } from '../wire.js';

export async function runDoctor(flags: { readonly json?: boolean }): Promise<number> {
  const findings = await examine(createSurroundings(process.cwd()), process.versions.node);
  if (flags.json) printJson({ schema: 1, findings });
  else print(doctorText(findings, styleFor(process.stdout)));
  return findings.some(({ state }) => state === 'problem') ? 1 : 0;
}
