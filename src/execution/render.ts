/** Makes the files of a `render` recipe: from templates of the snapshot straight to blobs. Needs no workspace. */

import { renderVariables } from '../analysis/facts.js';
import type { Prepared } from '../analysis/prepare.js';
import { err, ok, type Result } from '../base/result.js';
import { renderTemplate } from '../io/template/template.js';
import type { Failure } from '../model/failure.js';
import type { RenderStep, Task } from '../model/task.js';
import type { ObjectId } from '../model/tree.js';

export async function renderOutputs(
  prepared: Pick<Prepared, 'project' | 'gatherer'>,
  task: Task,
  steps: readonly RenderStep[],
): Promise<Result<{ path: string; blob: ObjectId }[], Failure>> {
  const files: { path: string; blob: ObjectId }[] = [];
  for (const step of steps) {
    const template = await prepared.gatherer.template(step.template);
    if (!template.ok) return template;
    const partials = Object.fromEntries([...template.value.partials].map(([name, { text }]) => [name, text]));
    const rendered = await renderTemplate({
      name: template.value.path,
      text: template.value.text,
      variables: renderVariables(task, step),
      partials,
    });
    if (!rendered.ok) {
      const { template: name, line, message } = rendered.error;
      return err({
        kind: 'template-error',
        template: name,
        ...(line === undefined ? {} : { line }),
        message,
      });
    }
    const blob = await prepared.project.objects.writeBlob(Buffer.from(rendered.value));
    files.push({ path: step.to, blob });
  }
  return ok(files);
}
