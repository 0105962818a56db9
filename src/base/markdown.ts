/** Markdown: headings with the anchors that GitHub gives them, and the sections below them. Knows no document. */

export interface Heading {
  readonly slug: string;
  readonly level: number;
  /** From 0. */
  readonly line: number;
}

/** Longer headings are not used in references. */
const MAX_TITLE = 500;

/** The headings outside of code blocks, in order, with GitHub's anchors (`-1`, `-2` for repeated ones). */
export function headingsOf(text: string): Heading[] {
  const headings: Heading[] = [];
  const seen = new Map<string, number>();
  const add = (title: string, level: number, line: number) => {
    const plain = slugOf(title);
    let slug = plain;
    for (let n = seen.get(plain) ?? 0; seen.has(slug); ) {
      n += 1;
      slug = `${plain}-${n}`;
      seen.set(plain, n);
    }
    seen.set(slug, 0);
    headings.push({ slug, level, line });
  };
  let fence: string | undefined;
  const lines = text.split(/\r?\n/);
  for (const [at, line] of lines.entries()) {
    const mark = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line);
    if (fence !== undefined) {
      if (mark?.[1]?.startsWith(fence) && mark[2]?.trim() === '') fence = undefined;
      continue;
    }
    if (mark && !(mark[1]?.startsWith('`') && mark[2]?.includes('`'))) {
      fence = mark[1];
      continue;
    }
    const heading = /^ {0,3}(#{1,6})(?=[ \t]|$)/.exec(line);
    if (heading) {
      const title = line
        .slice(heading[0].length)
        .trim()
        .replace(/(?:^|[ \t])#+$/, '');
      add(title, (heading[1] as string).length, at);
      continue;
    }
    const underline = /^ {0,3}(=+|-+)[ \t]*$/.exec(line);
    const above = lines[at - 1]?.trim() ?? '';
    if (underline && above !== '' && !/^(?:[#>|]|[-*+] |\d+[.)] |---)/.test(above)) {
      add(above, underline[1]?.startsWith('=') ? 1 : 2, at - 1);
    }
  }
  return headings;
}

/** GitHub's rule: lower case, nothing but letters, digits, `-` and `_`, spaces as `-`. */
export function slugOf(title: string): string {
  return title
    .trim()
    .slice(0, MAX_TITLE)
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-');
}

/** The section under a heading: up to the next heading of the same or a higher level; undefined when there is none. */
export function sectionOf(text: string, slug: string): string | undefined {
  const headings = headingsOf(text);
  const at = headings.findIndex((heading) => heading.slug === slug);
  const start = headings[at];
  if (!start) return undefined;
  const end = headings.slice(at + 1).find(({ level }) => level <= start.level);
  return text.split(/\r?\n/).slice(start.line, end?.line).join('\n').trim();
}
