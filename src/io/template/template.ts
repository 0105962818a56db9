/** Strict text templates: an unknown name is an error. The adapter of handlebars; knows no file. */

import type HandlebarsModule from 'handlebars';
import { newRecord } from '../../base/records/own-value.js';
import { err, ok, type Result } from '../../base/result.js';
import { withPlainBackslashes } from './plain-backslashes.js';
import { TEMPLATE_HELPERS } from './template-functions.js';

export interface TemplateSource {
  /** Named in errors. */
  readonly name: string;
  readonly text: string;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Texts by the name that `{{> name}}` uses. */
  readonly partials?: Readonly<Record<string, string>>;
}

export interface TemplateFault {
  /** The template, or the name of the partial, in which it is. */
  readonly template: string;
  /** From 1. */
  readonly line?: number;
  /** The path as the template writes it, when a variable is the matter. */
  readonly variable?: string;
  readonly message: string;
}

type Engine = typeof HandlebarsModule;

/** What is found in a text once: its compiled form, the variables and calls by place. */
interface Compiled {
  readonly render: HandlebarsModule.TemplateDelegate;
  readonly paths: readonly hbs.AST.PathExpression[];
  readonly calls: readonly hbs.AST.PathExpression[];
  readonly dynamicPartial: number | undefined;
}

/**
 * Makes text of every printed value. Handlebars without escaping joins what is printed with `+`, so that two numbers
 * beside each other would be added.
 */
const PRINT = 'conductor:print';
const PRINT_PATH = {
  type: 'PathExpression',
  data: false,
  depth: 0,
  parts: [PRINT],
  original: PRINT,
} as const;

const BUILT_IN = ['if', 'unless', 'each', 'with', 'lookup'];
const OWN_KEYS_ONLY = { allowProtoPropertiesByDefault: false, allowProtoMethodsByDefault: false };
/** Compiled texts that are kept; with more, all are forgotten. */
const KEPT = 500;
/** Of objects without keys of others; what they are as text, for errors. */
const NO_PROTOTYPE: object = Object.create(null, { [Symbol.toPrimitive]: { value: () => '[object]' } });

type Partials = Record<string, HandlebarsModule.TemplateDelegate>;

let engine: Promise<Engine> | undefined;
const compiled = new Map<string, Compiled>();
const HELPERS = Object.fromEntries(
  Object.entries(TEMPLATE_HELPERS).map(([name, helper]) => [
    name,
    // The engine gives its options as the last value.
    (...all: unknown[]) => helper(...all.slice(0, -1)),
  ]),
);
const KNOWN: ReadonlySet<string> = new Set([...BUILT_IN, ...Object.keys(HELPERS)]);
/** By their texts: thousands of prompts have the same. */
const partialsOfTexts = new WeakMap<object, Partials>();

/**
 * The rendered text. An unknown variable anywhere (also as `{{#if x}}` or as a helper's argument), an unknown helper
 * and an unknown partial are faults. Nothing is escaped; prototypes of the variables cannot be reached.
 * A variable that may be absent is asked for with `(lookup this "name")`.
 */
export async function renderTemplate(source: TemplateSource): Promise<Result<string, TemplateFault>> {
  const hb = await loadEngine();
  try {
    const partials = partialsOf(hb, source.partials ?? {});
    const text = guarded(
      source.name,
      () => prepare(hb, source.text, source.name),
      (one) =>
        one.render(withoutPrototypes(source.variables), {
          helpers: HELPERS,
          partials,
          ...OWN_KEYS_ONLY,
        }),
    );
    return ok(text);
  } catch (error) {
    if (error instanceof Fault) return err(error.fault);
    throw error;
  }
}

/** The partials that a template names, each once; inline ones and what cannot be parsed are left out. */
export async function partialNames(text: string): Promise<string[]> {
  const hb = await loadEngine();
  const names = new Set<string>();
  const inline = new Set<string>(['@partial-block']);
  const visitor = new hb.Visitor();
  const add = (name: hbs.AST.PathExpression | hbs.AST.SubExpression) => {
    if ('original' in name) names.add(String(name.original));
  };
  const visit = Object.getPrototypeOf(visitor) as HandlebarsModule.Visitor;
  visitor.PartialStatement = (node) => {
    add(node.name);
    visit.PartialStatement.call(visitor, node);
  };
  visitor.PartialBlockStatement = (node) => {
    add(node.name);
    visit.PartialBlockStatement.call(visitor, node);
  };
  visitor.DecoratorBlock = (node) => {
    const [name] = node.params;
    if (name?.type === 'StringLiteral') inline.add((name as hbs.AST.StringLiteral).value);
    visit.DecoratorBlock.call(visitor, node);
  };
  try {
    visitor.accept(hb.parse(text));
  } catch {
    return [];
  }
  return [...names].filter((name) => !inline.has(name));
}

class Fault extends Error {
  readonly fault: TemplateFault;
  constructor(fault: TemplateFault) {
    super(fault.message);
    this.fault = fault;
  }
}

function loadEngine(): Promise<Engine> {
  engine ??= import('handlebars').then(({ default: module }) => {
    const made = module.create();
    made.registerHelper(PRINT, (value: unknown) =>
      value === null || value === undefined ? '' : String(value),
    );
    // It writes to the console.
    made.unregisterHelper('log');
    return Object.assign(made, { Visitor: module.Visitor }) as Engine;
  });
  return engine;
}

function partialsOf(hb: Engine, texts: Readonly<Record<string, string>>): Partials {
  const known = partialsOfTexts.get(texts);
  if (known) return known;
  const partials: Partials = newRecord();
  for (const [name, text] of Object.entries(texts)) {
    partials[name] = (context: unknown, options) =>
      guarded(
        name,
        () => prepare(hb, text, name),
        (one) => one.render(context, options),
      );
  }
  partialsOfTexts.set(texts, partials);
  return partials;
}

/** Runs one template; what it throws becomes a fault that names it, unless a partial inside has its name on it. */
function guarded(template: string, make: () => Compiled, use: (one: Compiled) => string): string {
  let one: Compiled | undefined;
  try {
    one = make();
    return use(one);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault(faultOf(template, error as Error & { lineNumber?: number; column?: number }, one));
  }
}

function prepare(hb: Engine, text: string, template: string): Compiled {
  let one = compiled.get(text);
  if (!one) {
    one = compile(hb, text);
    if (compiled.size >= KEPT) compiled.clear();
    compiled.set(text, one);
  }
  const unknown = one.calls.find((path) => !KNOWN.has(path.original));
  if (unknown) {
    const message = `unknown helper \`${unknown.original}\``;
    throw new Fault({ template, line: unknown.loc.start.line, message });
  }
  if (one.dynamicPartial !== undefined) {
    const message = 'the name of a partial must be a plain name, because its text is in the key';
    throw new Fault({ template, line: one.dynamicPartial, message });
  }
  return one;
}

function compile(hb: Engine, text: string): Compiled {
  const program = hb.parse(withPlainBackslashes(text));
  const paths: hbs.AST.PathExpression[] = [];
  const calls: hbs.AST.PathExpression[] = [];
  const blockParams = new Set<string>();
  let dynamicPartial: number | undefined;
  const visitor = new hb.Visitor();
  const visit = Object.getPrototypeOf(visitor) as HandlebarsModule.Visitor;
  const call = (node: { path: unknown; params: readonly unknown[]; hash?: hbs.AST.Hash | undefined }) => {
    const path = node.path as hbs.AST.PathExpression;
    if (path.type !== 'PathExpression') return;
    if (node.params.length > 0 || node.hash) calls.push(path);
    // `{{plural}}` is the variable of that name: no helper works without a value.
    else if (KNOWN.has(path.original) && !blockParams.has(path.original))
      path.original = `this.${path.original}`;
  };
  visitor.Program = (node) => {
    for (const name of node.blockParams ?? []) blockParams.add(name);
    visit.Program.call(visitor, node);
  };
  visitor.MustacheStatement = (node) => {
    const path = node.path as hbs.AST.PathExpression;
    const isCall = node.params.length > 0 || node.hash;
    // `{{"{{"}}` prints the text: how a template writes what begins a variable.
    const isText = ['StringLiteral', 'NumberLiteral', 'BooleanLiteral'].includes(path.type) && !isCall;
    // Printed through a helper of our own, see `PRINT`.
    const value = isCall ? { ...node, type: 'SubExpression' } : path;
    Object.assign(node, {
      path: isText ? { ...PRINT_PATH, loc: path.loc } : { ...path, ...PRINT_PATH },
      params: [value as hbs.AST.Expression],
      hash: undefined,
    });
    visitor.accept(value);
  };
  visitor.BlockStatement = (node) => {
    call(node);
    visit.BlockStatement.call(visitor, node);
  };
  visitor.SubExpression = (node) => {
    calls.push(node.path as hbs.AST.PathExpression);
    visit.SubExpression.call(visitor, node);
  };
  visitor.PartialStatement = (node) => {
    if (!('original' in node.name)) dynamicPartial ??= node.loc.start.line;
    visit.PartialStatement.call(visitor, node);
  };
  visitor.PathExpression = (node) => {
    paths.push(node);
    // Handlebars is strict about what is printed only; this makes it strict about what is passed, too.
    (node as { strict?: boolean }).strict = true;
  };
  visitor.accept(program);
  const render = hb.compile(program, { strict: true, noEscape: true });
  return { render, paths, calls, dynamicPartial };
}

function faultOf(
  template: string,
  error: Error & { lineNumber?: number; column?: number },
  one: Compiled | undefined,
): TemplateFault {
  const partial = /^The partial (.+) could not be found/.exec(error.message);
  if (partial) return { template, message: `unknown partial \`${partial[1]}\`` };
  const parse = /^Parse error on line (\d+):\n([\s\S]*)/.exec(error.message);
  if (parse) {
    const [shown = '', , expected = ''] = (parse[2] as string).split('\n');
    const got = /got '(\w+)'/.exec(expected)?.[1] ?? '';
    const what = got === 'EOF' ? 'the template ends unexpectedly' : 'this is not valid template syntax';
    return { template, line: Number(parse[1]), message: `${what}: ${shown.trim()}` };
  }
  const missing = /^"([\s\S]+)" not defined in /.exec(error.message);
  const inside = /reading '(.+)'|search for '(.+)' in/.exec(error.message);
  const name = missing?.[1] ?? (error instanceof TypeError ? (inside?.[1] ?? inside?.[2]) : undefined);
  if (name !== undefined) {
    const path =
      one?.paths.find(
        ({ loc: { start } }) => start.line === error.lineNumber && start.column === error.column,
      ) ?? one?.paths.find(({ parts }) => parts.includes(name));
    const variable = (path?.original ?? name).replace(/^this\.(?=\w)/, '');
    const line = error.lineNumber ?? path?.loc.start.line;
    const message = `the variable \`${variable}\` is unknown`;
    return { template, ...(line === undefined ? {} : { line }), variable, message };
  }
  const message =
    error instanceof RangeError
      ? 'a partial includes itself endlessly'
      : error.message.replace(/ - \d+:\d+$/, '');
  return { template, ...(error.lineNumber === undefined ? {} : { line: error.lineNumber }), message };
}

/** A copy whose objects have nothing but their own keys: `{{constructor}}` is unknown like any other. */
function withoutPrototypes(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(withoutPrototypes);
  const copy = Object.create(NO_PROTOTYPE) as Record<string, unknown>;
  for (const key of Object.keys(value))
    copy[key] = withoutPrototypes((value as Record<string, unknown>)[key]);
  return copy;
}
