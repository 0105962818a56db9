/** The JSON Schemas that ship with the package. Knows no file that they describe. */

import agent from '../../schemas/agent.schema.json' with { type: 'json' };
import backlog from '../../schemas/backlog.schema.json' with { type: 'json' };
import config from '../../schemas/config.schema.json' with { type: 'json' };
import metadata from '../../schemas/metadata.schema.json' with { type: 'json' };
import frontMatter from '../../schemas/spec-front-matter.schema.json' with { type: 'json' };

export type SchemaName = 'agent' | 'backlog' | 'config' | 'spec-front-matter' | 'metadata';

export const SCHEMAS: Readonly<Record<SchemaName, object>> = {
  agent,
  backlog,
  config,
  'spec-front-matter': frontMatter,
  metadata,
};
