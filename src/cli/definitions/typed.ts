/** Finds what can be typed next, from the definitions of the commands. It looks up no values. */

import type { Argument, Command, Option } from 'commander';

export interface Candidate {
  readonly word: string;
  /** One line about it; may be empty. */
  readonly about: string;
}

export interface Expected {
  /** Words that are in the definitions. */
  readonly candidates: readonly Candidate[];
  /** The placeholder of a value that the caller must look up, as in the help: `targets`, `task`, `template`. */
  readonly value: string | undefined;
  /** The text before the value within the same word: `--format=`. */
  readonly lead: string;
  /** The part of the value that is typed already. */
  readonly begun: string;
}

/** `words` are those after the name of the program; the last one is incomplete and may be empty. */
export function expectedNext(program: Command, words: readonly string[]): Expected {
  const typed = words.at(-1) ?? '';
  let command = program;
  let position = 0;
  let open: Option | undefined;
  let isPlain = false;
  const used = new Set<string>();
  for (const word of words.slice(0, -1)) {
    if (open) open = undefined;
    else if (!isPlain && word === '--') isPlain = true;
    else if (!isPlain && word.startsWith('-')) {
      const [name = ''] = word.split('=', 1);
      used.add(name);
      const option = optionOf(command, name);
      if (option?.required && !word.includes('=')) open = option;
    } else {
      const inner = position === 0 ? commandOf(command, word) : undefined;
      if (inner) command = inner;
      else position++;
    }
  }
  if (open) return valueExpected(open, '', typed);
  const assigned = /^(--[^=]+)=(.*)$/s.exec(typed);
  if (!isPlain && assigned) {
    const option = optionOf(command, assigned[1] as string);
    return option ? valueExpected(option, `${assigned[1]}=`, assigned[2] as string) : plainWords([], typed);
  }
  if (!isPlain && typed.startsWith('-')) return plainWords(optionsOf(command, used), typed);
  const inner = position === 0 ? command.commands.filter((one) => !isHidden(one)) : [];
  if (inner.length > 0) {
    return plainWords(
      inner.map((one) => ({ word: one.name(), about: one.description() })),
      typed,
    );
  }
  const last = command.registeredArguments.at(-1);
  const argument = command.registeredArguments[position] ?? (last?.variadic ? last : undefined);
  return argument ? valueExpected(argument, '', typed) : plainWords([], typed);
}

function plainWords(candidates: readonly Candidate[], begun: string): Expected {
  return { candidates, value: undefined, lead: '', begun };
}

function valueExpected(of: Argument | Option, lead: string, begun: string): Expected {
  const choices = of.argChoices ?? [];
  const name = 'flags' in of ? /[<[]([\w-]+)/.exec(of.flags)?.[1] : of.name();
  const candidates = choices.map((word) => ({ word, about: '' }));
  return { candidates, value: choices.length > 0 ? undefined : name, lead, begun };
}

function optionsOf(command: Command, used: ReadonlySet<string>): Candidate[] {
  const own = command.options.filter(
    (option) => !option.hidden && (option.variadic || !isUsed(option, used)),
  );
  const listed = own.map((option) => ({
    word: option.long ?? option.short ?? '',
    about: option.description,
  }));
  return used.has('--help') ? listed : [...listed, { word: '--help', about: 'show options and examples' }];
}

function isUsed(option: Option, used: ReadonlySet<string>): boolean {
  return [option.long, option.short].some((name) => name != null && used.has(name));
}

function optionOf(command: Command, name: string): Option | undefined {
  return command.options.find((option) => option.long === name || option.short === name);
}

function commandOf(command: Command, name: string): Command | undefined {
  return command.commands.find((one) => one.name() === name || one.aliases().includes(name));
}

/** commander has no public property for this; its own help reads the same one. */
function isHidden(command: Command): boolean {
  return (command as unknown as { readonly _hidden?: boolean })._hidden === true;
}
