/** The JSON Schemas of the package: their names, their texts, and how a file refers to one. Checks nothing. */

/** A module of its own each: only what is asked for is read. */
const LOADERS = {
  absorb: () => import('../../../schemas/absorb.schema.json', { with: { type: 'json' } }),
  'agent-report': () => import('../../../schemas/agent-report.schema.json', { with: { type: 'json' } }),
  agent: () => import('../../../schemas/agent.schema.json', { with: { type: 'json' } }),
  backlog: () => import('../../../schemas/backlog.schema.json', { with: { type: 'json' } }),
  config: () => import('../../../schemas/config.schema.json', { with: { type: 'json' } }),
  describe: () => import('../../../schemas/describe.schema.json', { with: { type: 'json' } }),
  events: () => import('../../../schemas/events.schema.json', { with: { type: 'json' } }),
  'inbox-answer': () => import('../../../schemas/inbox-answer.schema.json', { with: { type: 'json' } }),
  metadata: () => import('../../../schemas/metadata.schema.json', { with: { type: 'json' } }),
  'project-events': () => import('../../../schemas/project-events.schema.json', { with: { type: 'json' } }),
  projects: () => import('../../../schemas/projects.schema.json', { with: { type: 'json' } }),
  rebase: () => import('../../../schemas/rebase.schema.json', { with: { type: 'json' } }),
  review: () => import('../../../schemas/review.schema.json', { with: { type: 'json' } }),
  'spec-front-matter': () =>
    import('../../../schemas/spec-front-matter.schema.json', { with: { type: 'json' } }),
  template: () => import('../../../schemas/template.schema.json', { with: { type: 'json' } }),
} satisfies Readonly<Record<string, () => Promise<{ readonly default: object }>>>;

export type SchemaName = keyof typeof LOADERS;

/** In byte order. */
export const SCHEMA_NAMES = Object.keys(LOADERS) as readonly SchemaName[];

/** What every shipped schema has. */
export interface Schema {
  readonly $id: string;
  readonly title: string;
  readonly description: string;
}

export async function loadSchema(name: SchemaName): Promise<Schema> {
  return (await LOADERS[name]()).default;
}

/**
 * How a file of a project, given by its path in it, refers to a schema so that editors find it: the installed package,
 * by a relative path, which needs no network and is the version that is used.
 */
export function schemaReference(name: SchemaName, file: string): string {
  const up = '../'.repeat(file.split('/').length - 1);
  return `${up}node_modules/conductor-build/schemas/${name}.schema.json`;
}
