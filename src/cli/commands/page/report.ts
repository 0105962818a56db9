/** `conductor report`: one finished build as a page that needs nothing else. */

import { basename, resolve } from 'node:path';
import { buildReport } from '../../../commands/report/report.js';
import { writeAtomic } from '../../../io/files.js';
import { bytes } from '../../../report/style.js';
import { CALL, refuse, remark } from '../../output.js';
import { createHost, uiAssets } from '../../wire.js';

export async function runReport(
  build: string | undefined,
  flags: { readonly html: string },
): Promise<number> {
  const host = createHost(process.cwd());
  const report = await buildReport({
    host,
    name: basename(host.directory),
    calledAs: CALL,
    assets: uiAssets(),
    ...(build === undefined ? {} : { build }),
  });
  if (!report.ok) return refuse(report.error);
  try {
    await writeAtomic(resolve(flags.html), report.value);
  } catch (error) {
    return refuse({
      kind: 'usage',
      message: `${flags.html} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'name another file',
    });
  }
  remark(`wrote ${flags.html} (${bytes(Buffer.byteLength(report.value))})`);
  return 0;
}
