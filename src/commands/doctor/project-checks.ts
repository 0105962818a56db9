/** Checks of the project: its repository, config, specs, and the programs of its gates. */

import { provenOrphans } from '../../analysis/orphans.js';
import { inspect, inspectProject } from '../../build/dry-run.js';
import { openRepository } from '../../io/git/open-repository.js';
import type { Diagnostic, Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import { failureAnswer } from '../../report/failures/failure-answer.js';
import { plural } from '../../report/style.js';
import { validateProject } from '../validate.js';
import type { DoctorCheck, Finding } from './doctor-check.js';

/** Mistakes that are shown; `conductor validate` shows all. */
const MAX_SHOWN = 3;

export const checkRepository: DoctorCheck = async ({ host }) => {
  const opened = await openRepository(host.directory);
  if (opened.ok) return [{ about: 'repository', state: 'ok', found: opened.value.project }];
  return [{ about: 'repository', state: 'problem', ...repositoryProblem(opened.error) }];
};

export const checkConfig: DoctorCheck = async ({ host }) => {
  const loaded = await host.loadConfig(host.directory);
  if (loaded.ok) return [{ about: 'config', state: 'ok', found: 'valid' }];
  return mistakes('config', diagnosticsOf(loaded.error));
};

export const checkOrphans: DoctorCheck = async ({ host, repository, config }) => {
  if (!repository || !config) return [];
  const found = await inspectProject(host, [], ({ project }) => provenOrphans(project));
  if (!found.ok || found.value.length === 0) return [];
  const shown = found.value.slice(0, MAX_SHOWN).join(', ');
  const more = found.value.length > MAX_SHOWN ? ` and ${found.value.length - MAX_SHOWN} more` : '';
  return [
    {
      about: 'outputs',
      state: 'warning',
      found: `${plural(found.value.length, 'file')} that conductor built and that no task owns any more: ${shown}${more}`,
      hint: '`conductor clean --dry-run` lists them, `conductor clean` removes them',
    },
  ];
};

/** Hand edits, also of tasks that wait for others: a build that has to replace them stops there. */
export const checkEdits: DoctorCheck = async ({ host, repository, config }) => {
  if (!repository || !config) return [];
  const found = await inspect(
    host,
    { targets: [], force: false, discardEdits: false },
    async ({ tasks }) => tasks,
  );
  if (!found.ok) return [];
  const tasks = new Set<Label>();
  const edited = found.value.flatMap(({ task, verdict }) => {
    const paths = verdict.kind === 'drifted' || verdict.kind === 'pending' ? (verdict.paths ?? []) : [];
    if (paths.length > 0) tasks.add(task.label);
    return paths.map((path) => `${path} (${task.label})`);
  });
  if (edited.length === 0) return [];
  const more = edited.length > MAX_SHOWN ? ` and ${edited.length - MAX_SHOWN} more` : '';
  return [
    {
      about: 'edits',
      state: 'warning',
      found: `${plural(edited.length, 'output')} edited by hand: ${edited.slice(0, MAX_SHOWN).join(', ')}${more}`,
      hint: `\`conductor diff\` shows the edits, \`conductor accept ${[...tasks].slice(0, MAX_SHOWN).join(' ')}\` keeps them`,
    },
  ];
};

export const checkSpecs: DoctorCheck = async ({ host, repository, config }) => {
  if (!repository || !config) return [];
  const validated = await validateProject(host);
  if (!validated.ok) {
    const { error } = validated;
    if (error.kind !== 'usage') return mistakes('specs', diagnosticsOf(error));
    const hint = '`conductor new` writes a feature from a template';
    return [{ about: 'specs', state: 'warning', found: error.message, hint }];
  }
  const { features, tasks, agentTasks, warnings, missingPrograms } = validated.value;
  const counted = `${plural(features.length, 'feature')}, ${plural(tasks, 'task')}`;
  const found = missingPrograms.length > 0 ? counted : `${counted}; gates find their programs`;
  const findings: Finding[] = [{ about: 'specs', state: 'ok', found }, ...mistakes('gates', missingPrograms)];
  if (warnings.length > 0) {
    const hint = '`conductor validate` shows them';
    findings.push({ about: 'specs', state: 'warning', found: plural(warnings.length, 'warning'), hint });
  }
  if (agentTasks > 0 && !config.agent) {
    const needs = `${plural(agentTasks, 'task needs', 'tasks need')} an agent, and none is configured`;
    const hint = 'set `agent` in the config, for example `{ driver: "command", preset: "claude" }`';
    findings.push({ about: 'agent', state: 'problem', found: needs, hint });
  }
  return findings;
};

function repositoryProblem(failure: Failure): Pick<Finding, 'found' | 'hint'> {
  switch (failure.kind) {
    case 'not-a-repository':
      return {
        found: `${failure.directory} is not in a git repository`,
        hint: 'run `git init` in this folder, or use the folder of the project',
      };
    case 'unsupported-repository':
      return { found: failure.reason, hint: failure.hint };
    default:
      return { found: failure.kind, hint: 'run `conductor status`' };
  }
}

function diagnosticsOf(failure: Failure): readonly Diagnostic[] {
  if (failure.kind === 'invalid-config' || failure.kind === 'invalid-specs') return failure.diagnostics;
  const { message, details, fix } = failureAnswer(failure);
  const text = [message, ...details].join('; ');
  return [{ file: '', message: text, ...(fix === undefined ? {} : { hint: fix }) }];
}

function mistakes(about: string, diagnostics: readonly Diagnostic[]): Finding[] {
  const shown = diagnostics.slice(0, MAX_SHOWN).map(({ file, line, message, hint }): Finding => {
    const place = [file, line].filter((part) => part !== undefined && part !== '').join(':');
    const found = place === '' ? message : `${place}: ${message}`;
    return {
      about,
      state: 'problem',
      found,
      hint: hint ?? 'correct it; `conductor validate` shows the place',
    };
  });
  const more = diagnostics.length - shown.length;
  if (more === 0) return shown;
  const found = `${more} more`;
  return [...shown, { about, state: 'problem', found, hint: '`conductor validate` shows all problems' }];
}
