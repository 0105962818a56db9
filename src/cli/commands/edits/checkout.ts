/** `conductor checkout <feature>@<version>`: restores a version of a feature. */

import { checkoutVersion } from '../../../commands/versions/checkout.js';
import { plural } from '../../../report/style.js';
import { print, printJson, refuse } from '../../output.js';
import { cancelOnSignals } from '../../signals.js';
import { createHost } from '../../wire.js';

export async function runCheckout(
  what: string,
  flags: { readonly json?: boolean; readonly wait: boolean },
): Promise<number> {
  const at = what.lastIndexOf('@');
  if (at < 1 || at === what.length - 1) {
    const name = at < 1 ? what.replace(/^@.*$/, 'shop') : what.slice(0, at);
    return refuse({
      kind: 'usage',
      message: `${what} names no version`,
      hint: `write it after the feature, as in \`conductor checkout ${name}@1.0.0\`; \`conductor versions ${name}\` lists the versions`,
    });
  }
  const options = { feature: what.slice(0, at), version: what.slice(at + 1), wait: flags.wait };
  const signals = cancelOnSignals();
  try {
    const done = await checkoutVersion(createHost(process.cwd()), options, signals.signal);
    if (!done.ok) return refuse(done.error);
    const { written, removed } = done.value;
    if (flags.json) printJson({ schema: 1, feature: options.feature, ...done.value });
    else if (written.length + removed.length === 0) print(`conductor: ${what} is already on disk`);
    else print(`conductor: ${what}: ${plural(written.length, 'file')} written, ${removed.length} removed`);
    return 0;
  } finally {
    signals.stop();
  }
}
