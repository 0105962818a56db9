/** Selects lines of a history: since when, which features, which models. Adds nothing up. */

import { type AgentCall, featureOf, type HistoryLine } from '../../model/history.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import { runOf } from './metrics.js';

export interface Selection {
  /** Milliseconds since 1970, UTC. */
  readonly since?: number;
  /** Names or globs; none: all. */
  readonly features: readonly string[];
  readonly models: readonly string[];
}

/** With `models`, only tasks on which one of these models worked; results from the store do not count. */
export function selectLines(
  lines: readonly HistoryLine[],
  { since = 0, features, models }: Selection,
): readonly HistoryLine[] {
  const chosen = lines.filter(
    ({ at, label }) =>
      at >= since && (features.length === 0 || patternSet(features).matches(featureOf(label))),
  );
  if (models.length === 0) return chosen;
  const isTheirs = ({ model, agent }: AgentCall) => patternSet(models).matches(model ?? agent);
  const calls = chosen.filter((line): line is AgentCall => line.kind === 'call' && isTheirs(line));
  const runs = new Set(calls.map(runOf));
  return chosen.filter((line) => (line.kind === 'call' ? isTheirs(line) : runs.has(runOf(line))));
}

/** Names and globs of a selection that match nothing in the whole history, as the person gave them. */
export function unmatched(
  lines: readonly HistoryLine[],
  { features, models }: Pick<Selection, 'features' | 'models'>,
): string[] {
  const known = {
    '--feature': { patterns: features, names: lines.map(({ label }) => featureOf(label)) },
    '--model': {
      patterns: models,
      names: lines.flatMap((line) => (line.kind === 'call' ? [line.model ?? line.agent] : [])),
    },
  };
  return Object.entries(known).flatMap(([flag, { patterns, names }]) => {
    const distinct = [...new Set(names)];
    return patterns
      .filter((pattern) => !distinct.some((name) => patternSet([pattern]).matches(name)))
      .map((pattern) => `${flag} ${pattern}`);
  });
}
