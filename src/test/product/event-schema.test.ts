/** Holds that the schema of events says what the types of events say: every kind, every key, every value. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import events from '../../../schemas/events.schema.json' with { type: 'json' };
import { validateSchema } from '../../io/document/document.js';
import { exitCodeOf, type Failure } from '../../model/failure.js';

interface Node {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly items?: Node;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
  readonly oneOf?: readonly Node[];
  readonly anyOf?: readonly Node[];
}
const schema: Node & { readonly definitions: Readonly<Record<string, Node>> } = events as never;

/** Every exported type of the files, by name. */
const types = new Map<string, ts.TypeNode | ts.InterfaceDeclaration>();
for (const file of [
  'event',
  'events/event-parts',
  'failure',
  'failure-parts',
  'agents/agent-report',
  'verdict',
  'action',
  'task',
]) {
  const path = fileURLToPath(new URL(`../../model/${file}.ts`, import.meta.url));
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  for (const one of source.statements) {
    if (ts.isTypeAliasDeclaration(one)) types.set(one.name.text, one.type);
    if (ts.isInterfaceDeclaration(one)) types.set(one.name.text, one);
  }
}

/** Types that are described once and compared once: inside others they stand by their name. */
const DESCRIBED: Readonly<Record<string, string>> = {
  Failure: 'failure',
  Verdict: 'verdict',
  StaleReason: 'staleReason',
  Diagnostic: 'diagnostic',
  FailureAnswer: 'failureAnswer',
  KeptOutput: 'keptOutput',
  ManifestChange: 'manifestChange',
  Usage: 'usage',
  BuildSummary: 'buildSummary',
  RestoredTask: 'restoredTask',
};

/** The forms of a value as sorted words, with which a type and a schema can be compared. */
function formOfType(node: ts.TypeNode | ts.InterfaceDeclaration): string[] {
  if (ts.isUnionTypeNode(node)) return [...new Set(node.types.flatMap(formOfType))].sort();
  if (ts.isInterfaceDeclaration(node) || ts.isTypeLiteralNode(node)) {
    const keys = node.members.filter(ts.isPropertySignature).map((member) => {
      const form = formOfType(member.type as ts.TypeNode);
      // JSON has no `undefined`: such a key is left out.
      const isOptional = member.questionToken !== undefined || form.includes('undefined');
      const shown = form.filter((one) => one !== 'undefined').join(' | ');
      return `${member.name.getText()}${isOptional ? '?' : ''}: ${shown}`;
    });
    return [`{ ${keys.sort().join('; ')} }`];
  }
  if (ts.isTypeOperatorNode(node)) return formOfType(node.type);
  if (ts.isArrayTypeNode(node)) return [`[${formOfType(node.elementType).join(' | ')}]`];
  if (ts.isLiteralTypeNode(node)) return [node.literal.getText().replaceAll("'", '"')];
  if (ts.isIndexedAccessTypeNode(node)) {
    const owner = types.get(node.objectType.getText()) as ts.InterfaceDeclaration;
    const key = node.indexType.getText().replaceAll("'", '');
    const member = owner.members.filter(ts.isPropertySignature).find((one) => one.name.getText() === key);
    return formOfType(member?.type as ts.TypeNode);
  }
  if (ts.isTypeReferenceNode(node)) {
    const name = node.typeName.getText();
    if (name === 'Readonly') return formOfType(node.typeArguments?.[0] as ts.TypeNode);
    if (name === 'Record') {
      const [key, value] = (node.typeArguments ?? []).map(formOfType) as [string[], string[]];
      const names = key.map((one) => `${JSON.parse(one)}: ${value.join(' | ')}`);
      return [`{ ${names.sort().join('; ')} }`];
    }
    // Whatever holds them, they are written as a list.
    if (name === 'Labels') return ['[string]'];
    if (DESCRIBED[name] !== undefined) return [`<${DESCRIBED[name]}>`];
    const found = types.get(name);
    if (!found) throw new Error(`no type ${name}`);
    return formOfType(found);
  }
  return [node.getText()];
}

function formOfSchema(node: Node, without: readonly string[] = []): string[] {
  if (node.$ref !== undefined) {
    const name = node.$ref.replace('#/definitions/', '');
    if (Object.values(DESCRIBED).includes(name)) return [`<${name}>`];
    const target = schema.definitions[name];
    if (!target) throw new Error(`no definition ${node.$ref}`);
    return formOfSchema(target, without);
  }
  const branches = node.oneOf ?? node.anyOf;
  if (branches) return [...new Set(branches.flatMap((one) => formOfSchema(one, without)))].sort();
  if (node.const !== undefined) return [JSON.stringify(node.const)];
  if (node.enum) return node.enum.map((one) => JSON.stringify(one)).sort();
  if (node.type === 'object') {
    expect(node.additionalProperties, JSON.stringify(node)).toBe(false);
    const keys = Object.entries(node.properties ?? {})
      .filter(([key]) => !without.includes(key))
      .map(
        ([key, one]) => `${key}${node.required?.includes(key) ? '' : '?'}: ${formOfSchema(one).join(' | ')}`,
      );
    return [`{ ${keys.sort().join('; ')} }`];
  }
  if (node.type === 'array') return [`[${formOfSchema(node.items ?? {}).join(' | ')}]`];
  return [node.type ?? 'anything'].flat().map((type) => (type === 'integer' ? 'number' : String(type)));
}

const formOf = (name: string) => formOfType(types.get(name) as ts.TypeNode);

test('every type of event, with its keys and values, is in the schema, and no other', () => {
  expect(formOfSchema(schema, ['schema', 'seq', 'at'])).toEqual(formOf('BuildEventBody'));
});

test.each(Object.entries(DESCRIBED))('%s is described as it is', (type, definition) => {
  expect(formOfSchema(schema.definitions[definition] ?? {})).toEqual(formOf(type));
});

test('failures stand under the exit code that they lead to', () => {
  for (const [group, code] of [
    ['couldNotStart', 2],
    ['taskFailure', 1],
    ['interrupted', 130],
  ] as const) {
    for (const one of schema.definitions[group]?.oneOf ?? []) {
      const kind = one.properties?.kind?.const as Failure['kind'];
      expect([kind, exitCodeOf({ kind } as Failure)]).toEqual([kind, code]);
    }
  }
});

test('what is no event is refused', async () => {
  const event = { schema: 1, seq: 1, at: 0, type: 'build.recovered', what: 'x' };
  expect(await validateSchema('events', event)).toEqual([]);
  for (const wrong of [
    { ...event, type: 'build.unheard' },
    { ...event, what: undefined },
    { ...event, what: 7 },
    { ...event, more: true },
    { ...event, seq: 0 },
    { ...event, schema: 2 },
    { ...event, type: 'build.failure', what: undefined, failure: { kind: 'usage' } },
  ]) {
    expect(
      await validateSchema('events', JSON.parse(JSON.stringify(wrong))),
      JSON.stringify(wrong),
    ).not.toEqual([]);
  }
});
