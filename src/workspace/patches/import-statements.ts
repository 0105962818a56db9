/** The import statements of a script or a Python file, as names that they bind. Reads no disk and resolves no module. */

export type Language = 'script' | 'python';

export interface ImportStatement {
  /** As it stands in the file, with its line break. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly module: string;
  /** `type` for imports of types alone; attributes (`with`) count too: such statements are never joined. */
  readonly kind: string;
  readonly bindings: readonly Binding[];
}

export interface Binding {
  /** The name in the file; empty for an import that binds none. */
  readonly local: string;
  /** What is written for it: `a`, `a as b`, `type A`. */
  readonly text: string;
  /** Whether it stands in a list of names: others can be added to it. */
  readonly isListed: boolean;
}

export function isPython(path: string): boolean {
  return /\.pyi?$/.test(path);
}

const SCRIPT =
  /^import\b(?![ \t]*[(.])([^;'"`]*?)(['"])([^'"\n]+)\2([ \t]*(?:with|assert)[ \t]*\{[^}]*\})?[ \t]*;?[ \t]*(?:\/\/[^\n]*)?(?:\r?\n|$)/gm;
// Continued lines and other statements on the line are left to their lines.
const PYTHON =
  /^(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#(\\;]+)|import[ \t]+([^\n#\\;]+))(?:#[^\n]*)?(?:\r?\n|$)/gm;

const COMMENTS = { script: /\/\/.*|\/\*[\s\S]*?\*\//g, python: /#.*/g };

/** In their order. `text`: imports and what stands between them. */
export function commentsOf(language: Language, text: string): string[] {
  // Names of modules can be addresses, with slashes in them.
  const plain = text.replace(/(?<=\bfrom\s*|\bimport\s*)(['"])[^'"\n]*\1/g, '');
  return (plain.match(COMMENTS[language]) ?? []).map((one) => one.trim());
}

export function withoutComments(language: Language, text: string): string {
  return text.replace(COMMENTS[language], '');
}

/** Whether it must run before what follows it: an import for what the module does, or a setting of the language. */
export function isOrdered({ module, bindings }: ImportStatement): boolean {
  return module === '__future__' || bindings.every(({ local }) => local === '');
}

/** Those at the start of a line, in their order. */
export function importsOf(language: Language, text: string): ImportStatement[] {
  return language === 'script' ? scriptImports(text) : pythonImports(text);
}

function scriptImports(text: string): ImportStatement[] {
  return [...text.matchAll(SCRIPT)].map((match) => {
    const [whole, clause = '', , module = '', attributes = ''] = match;
    // A comma or a brace in a comment is none of the list.
    const said = withoutComments('script', clause)
      .replace(/\bfrom\s*$/, '')
      .trim();
    const isType = /^type\b(?!\s*(,|from\b|$))/.test(said);
    const names = isType ? said.slice('type'.length).trim() : said;
    const list = /\{([^}]*)\}/.exec(names)?.[1];
    const before = names.replace(/\{[^}]*\}/, '').split(',');
    const single = before.map((name) => name.trim()).filter((name) => name !== '');
    return {
      ...{ text: whole, start: match.index, end: match.index + whole.length, module },
      kind: (isType ? 'type ' : '') + attributes.trim(),
      bindings: [
        ...single.map((name) => ({ local: localOf(name), text: name, isListed: false })),
        ...listed(list),
        ...(said === '' ? [NOTHING] : []),
      ],
    };
  });
}

/** An import for what the module does. */
const NOTHING: Binding = { local: '', text: '', isListed: false };

function pythonImports(text: string): ImportStatement[] {
  return [...text.matchAll(PYTHON)].map((match) => {
    const [whole, module, names, modules] = match;
    const place = { text: whole, start: match.index, end: match.index + whole.length, kind: '' };
    if (module !== undefined)
      return {
        ...place,
        module,
        bindings: listed(withoutComments('python', names ?? '').replace(/[()]/g, '')),
      };
    const bindings = listed(modules).map((one) => ({ ...one, isListed: false }));
    return { ...place, module: bindings.map((one) => one.text).join(', '), bindings };
  });
}

function listed(list: string | undefined): Binding[] {
  return (list ?? '')
    .split(',')
    .map((name) => name.trim().replace(/\s+/g, ' '))
    .filter((name) => name !== '')
    .map((name) => ({ local: localOf(name), text: name, isListed: true }));
}

function localOf(text: string): string {
  return (
    text
      .split(/\s+as\s+/)
      .at(-1)
      ?.replace(/^type\s+/, '') ?? text
  );
}

/** The statement with one name more in its list, in its place if the list is sorted. */
export function withName(statement: ImportStatement, { text: name }: Binding): string {
  const { text } = statement;
  const isBraced = text.includes('{');
  const [open, close] = isBraced ? ['{', '}'] : ['(', ')'];
  const start = text.indexOf(open);
  const end = text.lastIndexOf(close);
  const names = [...statement.bindings.filter(({ isListed }) => isListed).map((one) => one.text), name];
  const former = names.slice(0, -1);
  const isSorted = former.every((one, i) => i === 0 || compare(former[i - 1] as string, one) <= 0);
  if (isSorted) names.sort(compare);
  if (start < 0 || end < start) {
    // `from m import a, b` has no brackets.
    const line = /^(from\s+[\w.]+\s+import\s+)[^#\r\n]*?(\s*(?:#[^\r\n]*)?(?:\r?\n)?)$/.exec(text);
    return line ? `${line[1]}${names.join(', ')}${line[2]}` : text;
  }
  const inner = text.slice(start + 1, end);
  if (!inner.includes('\n')) {
    const space = inner.startsWith(' ') ? ' ' : '';
    return `${text.slice(0, start + 1)}${space}${names.join(', ')}${space}${text.slice(end)}`;
  }
  const eol = inner.includes('\r\n') ? '\r\n' : '\n';
  const indent = /\n([ \t]*)\S/.exec(inner)?.[1] ?? '  ';
  const last = /,\s*$/.test(inner) ? ',' : '';
  const body = names.map((one) => `${indent}${one}`).join(`,${eol}`);
  return `${text.slice(0, start + 1)}${eol}${body}${last}${eol}${text.slice(end)}`;
}

function compare(a: string, b: string): number {
  const [x, y] = [a, b].map((text) => text.replace(/^type\s+/, '').toLowerCase()) as [string, string];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** A statement of its own for one name, in the style of the one that it comes from. */
export function statementFor(language: Language, from: ImportStatement, binding: Binding): string {
  const { bindings, text, module, kind } = from;
  if (bindings.length === 1) return text;
  const eol = text.endsWith('\r\n') ? '\r\n' : '\n';
  if (language === 'python')
    return binding.isListed ? `from ${module} import ${binding.text}${eol}` : `import ${binding.text}${eol}`;
  const quote = text.includes(`"${module}"`) ? '"' : "'";
  const names = binding.isListed ? `{ ${binding.text} }` : binding.text;
  const end = /;\s*(\/\/[^\n]*)?\s*$/.test(text) ? ';' : '';
  const isType = kind.startsWith('type') ? 'type ' : '';
  return `import ${isType}${names} from ${quote}${module}${quote}${end}${eol}`;
}
