/** Words that conductor does not use, each with the term that replaces it. `docs/concepts.md` defines the terms. */

export interface BannedWord {
  /** Lower case. Its forms with -s, -es, -d, -ed and -ing are banned too. */
  readonly word: string;
  readonly instead: string;
  /** The word has an ordinary meaning in sentences, so only names in code are checked. */
  readonly onlyInCode?: boolean;
}

export const BANNED_WORDS: readonly BannedWord[] = [
  { word: 'anew', instead: 'again; made anew: rebuilt, written again' },
  { word: 'echo', instead: 'self-triggered change', onlyInCode: true },
  { word: 'glance', instead: 'partial scan' },
  { word: 'ladder', instead: 'escalation' },
  { word: 'landing', instead: 'publishing, publish plan' },
  { word: 'landed', instead: 'published' },
  { word: 'lookout', instead: 'scanner' },
  { word: 'mend', instead: 'repair, correct' },
  { word: 'moment', instead: 'timestamp', onlyInCode: true },
  { word: 'purse', instead: 'budget, usage' },
  { word: 'resident', instead: 'session state' },
  { word: 'rung', instead: 'step of the escalation' },
  { word: 'seldom', instead: 'throttle, rarely' },
  { word: 'settle', instead: 'repack, finish, decide' },
  { word: 'storm', instead: 'debounce window' },
  { word: 'struck', instead: 'redacted' },
  { word: 'surroundings', instead: 'host, environment' },
  { word: 'toolbox', instead: 'command environment' },
  { word: 'twin', instead: 'fake' },
  { word: 'whoever', instead: 'the actor by its name' },
  { word: 'wish', instead: 'request' },
  { word: 'workbench', instead: 'build context' },
  { word: 'workshop', instead: 'executor factory' },
];

/** Names of other people's interfaces that contain such a word. */
const FOREIGN_NAMES = new Set(['allSettled']);

const forms = new Map(
  BANNED_WORDS.flatMap((entry) => {
    const stem = entry.word.replace(/e$/, '');
    const endings = ['s', 'es', 'd', 'ed'].map((ending) => entry.word + ending);
    return [entry.word, ...endings, `${entry.word}ing`, `${stem}ing`].map((form) => [form, entry] as const);
  }),
);

/** The banned words in the name of a file or in an identifier: each part of `camelCase`, `SNAKE_CASE` and `kebab-case`. */
export function bannedInName(name: string): BannedWord[] {
  if (FOREIGN_NAMES.has(name)) return [];
  const parts = name.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? [];
  return parts.flatMap((part) => forms.get(part.toLowerCase()) ?? []);
}

/** The banned words in a Markdown text, outside of code. */
export function bannedInText(text: string): BannedWord[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
  const words = prose.toLowerCase().match(/[a-z]+/g) ?? [];
  return words.flatMap((word) => forms.get(word) ?? []).filter(({ onlyInCode }) => !onlyInCode);
}
