// Builds the pages of events of a build and of several projects, and of failures.
import { code, pageHead, readSchema, table } from './markdown.js';
import { deref, typeOf } from './schema.js';

const SOURCE = 'schemas/events.schema.json';
/** `parts`: definitions with a section of their own on the page, in its order. */
const EVENTS = {
  file: 'events.md',
  parts: [
    'verdict',
    'staleReason',
    'manifestChange',
    'restoredTask',
    'buildSummary',
    'usage',
    'keptOutput',
    'diagnostic',
  ],
};
const PROJECT_EVENTS = {
  file: 'project-events.md',
  parts: ['importedFiles', 'comparedCopies', 'outcome', 'projectsSummary'],
  /** Keys whose values have a section on another page. */
  elsewhere: { failure: '[failure](failures.md)', summary: '[buildSummary](events.md#buildsummary)' },
};
const FAILURES = ['couldNotStart', 'taskFailure', 'interrupted'];

export function eventsPage() {
  const schema = readSchema('events');
  const page = { ...EVENTS, schema };
  const common = ['seq', 'at'].map((key) => [
    code(key),
    typeOf(schema, schema.definitions[key]),
    schema.definitions[key].description,
  ]);
  const everyEvent = [
    [code('schema'), code('1'), 'Version of this format.'],
    ...common,
    [code('type'), 'string', 'What happened; decides which other keys exist.'],
  ];
  const text = `${schema.description}\n\nSchema: \`conductor schema events\`. Types: \`BuildEvent\` of \`conductor-build\`. Kinds of failures: [failures](failures.md).`;
  return [
    pageHead(schema.title, SOURCE, text),
    `## Every event\n\n${table(['key', 'type', 'meaning'], everyEvent)}`,
    '## Types\n',
    ...schema.oneOf.map((event) => section(page, event, ['schema', 'seq', 'at', 'type'])),
    '## Parts\n',
    ...EVENTS.parts.map((name) => part(page, name)),
  ].join('\n');
}

export function projectEventsPage() {
  const schema = readSchema('project-events');
  const page = { ...PROJECT_EVENTS, schema };
  const [ofBuild, ...between] = schema.oneOf;
  const names = `Schema: \`conductor schema project-events\`. How to build several projects: [projects](../projects.md).`;
  return [
    pageHead(schema.title, 'schemas/project-events.schema.json', `${schema.description}\n\n${names}`),
    `## Events of builds\n\n${ofBuild.description} They are on the page of [events of a build](events.md).\n`,
    keyTable(page, ofBuild, []),
    '## Events between builds\n\nEach has `schema`, which is `1`, and `type`, which is its title here.\n',
    ...between.map((event) => section(page, event, ['schema', 'type'])),
    '## Parts\n',
    ...PROJECT_EVENTS.parts.map((name) => part(page, name)),
  ].join('\n');
}

export function failuresPage() {
  const schema = readSchema('events');
  const page = { ...EVENTS, schema };
  const groups = FAILURES.map((name) => {
    const { title, description, oneOf } = schema.definitions[name];
    return [`## ${title}\n\n${description}\n`, ...oneOf.map((one) => section(page, one, ['kind']))].join(
      '\n',
    );
  });
  const text = `${schema.definitions.failure.description} On the terminal it is a sentence, the facts and one hint; in [events](events.md) it is data.`;
  return [pageHead('Failures', SOURCE, text), ...groups].join('\n');
}

function part(page, name) {
  const node = page.schema.definitions[name];
  if (!node.oneOf) return section(page, { title: name, ...node }, []);
  const rows = node.oneOf.map((one) => [code(one.title), keysIn(page, one), one.description]);
  return `### \`${name}\`\n\n${node.description}\n\n${table(['`kind`', 'more keys', 'meaning'], rows)}`;
}

function keysIn(page, node) {
  return Object.entries(node.properties)
    .filter(([key]) => key !== 'kind')
    .map(([key, one]) => `${code(key)}${optional(node, key)}: ${linked(page, one)}. ${one.description ?? ''}`)
    .join(' ');
}

function section(page, node, without) {
  const keys = keyTable(page, node, without);
  return `### \`${node.title}\`\n\n${node.description}\n${keys === '' ? '' : `\n${keys}`}`;
}

/** Empty: it has no other keys. */
function keyTable(page, node, without) {
  const rows = Object.entries(node.properties)
    .filter(([key]) => !without.includes(key))
    .map(([key, one]) => [
      `${code(key)}${optional(node, key)}`,
      linked(page, one, key),
      deref(page.schema, one).description ?? '',
    ]);
  return rows.length === 0 ? '' : table(['key', 'type', 'meaning'], rows);
}

const optional = (node, key) => (node.required?.includes(key) ? '' : ' (optional)');

/** The type, as a link where it has a section. */
function linked({ schema, file, parts, elsewhere }, node, key) {
  const name = (node.$ref ?? node.items?.$ref)?.split('/').at(-1);
  if (name === 'failure') return '[failure](failures.md)';
  if (name === undefined && elsewhere?.[key] !== undefined) return elsewhere[key];
  if (!parts.includes(name)) return typeOf(schema, node);
  return `${node.items ? 'list of ' : ''}[${name}](${file}#${name.toLowerCase()})`;
}
