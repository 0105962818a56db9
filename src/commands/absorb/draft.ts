/** A spec file with an edit in comments above it, for a person to put the edit into words. Opens no editor. */

const BEGIN =
  '# ---- an edit by hand that the spec does not explain yet; these lines are taken out again ----';
const END =
  '# ---- change the spec below so that it says what the edit does, save, and leave the editor ----';

/** The first line of a spec that is one file begins its front matter: the comments stand behind it. */
export function draftText(spec: string, file: string, label: string, edit: string): string {
  const lines = [
    BEGIN,
    `# ${label}`,
    ...edit
      .replace(/\n+$/, '')
      .split('\n')
      .map((line) => `# ${line}`),
    END,
  ];
  const block = `${lines.map((line) => line.replace(/[\r\0]/g, ' ').trimEnd()).join('\n')}\n`;
  const at = file.endsWith('.spec.md') ? spec.indexOf('\n') + 1 : 0;
  return spec.slice(0, at) + block + spec.slice(at);
}

/** The spec as it was left, without the comments that were put in. */
export function draftedSpec(draft: string): string {
  const from = draft.indexOf(BEGIN);
  const end = draft.indexOf(END, from);
  if (from < 0 || end < 0) return draft;
  return draft.slice(0, from) + draft.slice(end + END.length).replace(/^\r?\n/, '');
}
