/** What templates can call: cases of words, comparisons, lists. Plain functions; knows no template engine. */

/** The words of a name in whatever case it is written: `HTTPServer_url` is `HTTP`, `Server`, `url`. */
function words(value: unknown): string[] {
  return textOf(value)
    .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}

const lower = (word: string) => word.toLowerCase();
const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();
const pascal = (value: unknown) => words(value).map(capital).join('');

/** The usual English plural of a noun; its case stays. */
function plural(value: unknown): string {
  const noun = textOf(value);
  const last = /[A-Za-z]+$/.exec(noun)?.[0] ?? '';
  const head = noun.slice(0, noun.length - last.length);
  if (last === '') return noun;
  const odd = ODD_PLURALS[last.toLowerCase()];
  if (odd !== undefined) return head + last.charAt(0) + odd.slice(1);
  if (/[^aeiou]y$/i.test(last)) return `${head}${last.slice(0, -1)}ies`;
  return /(?:s|x|z|ch|sh)$/i.test(last) ? `${noun}es` : `${noun}s`;
}

const ODD_PLURALS: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  person: 'people',
  child: 'children',
  man: 'men',
  woman: 'women',
  datum: 'data',
  index: 'indices',
  status: 'statuses',
  analysis: 'analyses',
  series: 'series',
  sheep: 'sheep',
});

function textOf(value: unknown): string {
  return value === null || value === undefined ? '' : String(value);
}

/** Empty lists count as false, as in `{{#if}}`. */
function holds(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/** Called with the values that stand in the template; the options object of the engine is not among them. */
export type TemplateHelper = (...values: readonly unknown[]) => unknown;

export const TEMPLATE_HELPERS: Readonly<Record<string, TemplateHelper>> = {
  camelCase: (value) => pascal(value).replace(/^\p{Lu}/u, lower),
  pascalCase: pascal,
  kebabCase: (value) => words(value).map(lower).join('-'),
  snakeCase: (value) => words(value).map(lower).join('_'),
  constantCase: (value) => words(value).join('_').toUpperCase(),
  titleCase: (value) => words(value).map(capital).join(' '),
  plural,
  lower: (value) => textOf(value).toLowerCase(),
  upper: (value) => textOf(value).toUpperCase(),
  /** JSON of the value; a second value is the number of spaces. */
  json: (value, spaces) => JSON.stringify(value, null, typeof spaces === 'number' ? spaces : undefined),
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  and: (...values) => values.find((value) => !holds(value)) ?? values.at(-1),
  or: (...values) => values.find(holds) ?? values.at(-1),
  not: (value) => !holds(value),
  /** The entries of a list with a text between them (`, ` unless given). */
  join: (list, between) =>
    Array.isArray(list) ? list.map(textOf).join(typeof between === 'string' ? between : ', ') : textOf(list),
};
