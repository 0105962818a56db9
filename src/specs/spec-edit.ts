/** Changes the text of a spec file, keeps its other lines and keeps it valid. Writes nothing. */

import { err, ok, type Result } from '../base/result.js';
import { parseYaml, validateSchema } from '../io/document/document.js';
import { editYaml, type YamlChange } from '../io/document/yaml-edit.js';
import type { Failure } from '../model/failure.js';
import { splitFrontMatter } from './front-matter.js';

/** A backlog, or the front matter of a spec that is one task. What comes out is valid again, or it is refused. */
export async function editSpec(
  file: string,
  text: string,
  changes: readonly YamlChange[],
): Promise<Result<string, Failure>> {
  const isSingle = file.endsWith('.spec.md');
  const front = isSingle ? splitFrontMatter(text).front : text;
  if (front === undefined) {
    const hint = 'start it with `---`, `id: main` and `---`';
    return err({ kind: 'usage', message: `${file} has no front matter`, hint });
  }
  const edited = await editYaml(front, changes);
  const parsed = await parseYaml(edited, file);
  if (!parsed.ok) return err({ kind: 'invalid-specs', diagnostics: parsed.error });
  const problems = await validateSchema(isSingle ? 'spec-front-matter' : 'backlog', parsed.value);
  if (problems.length > 0) {
    const diagnostics = problems.map(({ message }) => ({ file, message }));
    return err({ kind: 'invalid-specs', diagnostics });
  }
  return ok(isSingle ? text.replace(front, () => edited) : edited);
}
