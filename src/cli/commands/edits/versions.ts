/** `conductor versions <feature>`: a feature's history, newest first. */

import { inspectProject } from '../../../build/dry-run.js';
import { featureVersions } from '../../../commands/versions/version-history.js';
import { versionsText } from '../../../report/versions.js';
import { print, printJson, refuse, remark, styleFor } from '../../output.js';
import { createHost } from '../../wire.js';

export async function runVersions(name: string, flags: { readonly json?: boolean }): Promise<number> {
  const done = await inspectProject(createHost(process.cwd()), [name], async ({ project, store }) => {
    const feature = project.features.get(name);
    return feature && featureVersions(project, store, feature);
  });
  if (!done.ok) return refuse(done.error);
  if (!done.value)
    return refuse({ kind: 'usage', message: `${name} is a task; only features have versions` });
  const versions = done.value;
  if (flags.json) {
    printJson({ schema: 1, feature: name, versions: versions.map(({ lock: _, ...version }) => version) });
    return 0;
  }
  if (versions.length > 0) print(versionsText(versions, styleFor(process.stdout)));
  else remark(`${name} was not built yet`);
  return 0;
}
