/** TEMPORARY minimal loader, replaced by the real one. */

import { basename, dirname } from 'node:path';
import { ok, type Result } from '../base/result.js';
import { parseYaml } from '../io/document.js';
import { type Config, resolveGate } from '../model/config.js';
import type { Diagnostic } from '../model/failure.js';
import { TaskGraph } from '../model/graph.js';
import type { Feature, Task } from '../model/task.js';
import type { Listing, ObjectId } from '../model/tree.js';

export interface SpecSource {
  readonly listing: Listing;
  read(ids: readonly ObjectId[]): Promise<Map<ObjectId, Buffer>>;
  readonly cache: { get(id: ObjectId): unknown | undefined; set(id: ObjectId, value: unknown): void };
}
export interface LoadedSpecs {
  readonly features: readonly Feature[];
  readonly graph: TaskGraph;
  readonly warnings: readonly Diagnostic[];
}

export async function loadSpecs(
  source: SpecSource,
  config: Config,
): Promise<Result<LoadedSpecs, Diagnostic[]>> {
  const features: Feature[] = [];
  for (const file of source.listing.under(`${config.specs}/`)) {
    if (basename(file) !== 'BACKLOG.yaml') continue;
    const id = source.listing.get(file)?.id as string;
    const text = (await source.read([id])).get(id)?.toString('utf8') ?? '';
    const parsed = await parseYaml(text, file);
    if (!parsed.ok) return { ok: false, error: parsed.error };
    const name = basename(dirname(file));
    const raw = parsed.value as { title?: string; tasks: any[] };
    const tasks: Task[] = raw.tasks.map((t, i) => ({
      label: `${name}/${t.id}`,
      feature: name,
      id: t.id,
      title: t.title ?? t.id,
      type: t.type ?? 'implementation',
      complexity: t.complexity ?? 'medium',
      description: t.description ?? '',
      acceptance: t.acceptance ?? [],
      dependsOn: (t.depends_on ?? []).map((d: string) => (d.includes('/') ? d : `${name}/${d}`)),
      inputs: t.inputs,
      outputs: t.outputs ?? (t.render ?? []).map((r: any) => r.to),
      edits: t.edits ?? [],
      interface: t.interface,
      specRefs: [],
      context: { constraints: [], patterns: [], gotchas: [], ...t.context },
      verify: (t.verify ?? []).map(resolveGate),
      budget: t.budget ?? {},
      network: t.network ?? false,
      agent: t.agent,
      model: t.model,
      recipe: t.render
        ? { kind: 'render', steps: t.render.map((r: any) => ({ with: {}, ...r })) }
        : t.run
          ? { kind: 'run', command: t.run }
          : { kind: 'agent', strategy: t.strategy ?? 'evolve' },
      source: { file, path: ['tasks', i] },
    }));
    features.push({
      name,
      file,
      lockFile: `${config.specs}/${name}/.metadata.json`,
      title: raw.title ?? name,
      tasks,
      context: '',
      sections: new Map(),
    });
  }
  return ok({ features, graph: new TaskGraph(features.flatMap((f) => f.tasks)), warnings: [] });
}
