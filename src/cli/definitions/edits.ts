/** Defines the commands for hand edits, regeneration and versions. */

import type { Command } from 'commander';
import { BUDGET_USD, EVENTS, examples, positiveInteger, type SetExitCode } from './shared.js';

export function addAdopt(program: Command, setExitCode: SetExitCode): void {
  program
    .command('adopt')
    .description('make specs of existing code and record it as their result, without changing it')
    .argument('<paths...>', 'files, folders or globs')
    .option('--as <feature>', 'name of the new feature (default: a number and the name of the folder)')
    .option('--describe', 'let an agent draft descriptions and acceptance criteria from code and tests')
    .option('--yes', 'write the drafted descriptions without asking')
    .option(...BUDGET_USD)
    .option('--no-gates', "leave out the project's own checks if the config has no gates")
    .option('--dry-run', 'show the tasks and write nothing')
    .option('--json', 'print one JSON object')
    .option('--no-wait', 'fail if another build of this project runs, instead of waiting for it')
    .addHelpText(
      'after',
      examples(
        'conductor adopt src/billing --dry-run',
        'conductor adopt src/billing --as billing --describe',
      ),
    )
    .action(async (paths: string[], options) => {
      const { runAdopt } = await import('../commands/edits/adopt.js');
      setExitCode(await runAdopt(paths, options));
    });
}

export function addDisown(program: Command, setExitCode: SetExitCode): void {
  program
    .command('disown')
    .description('take adopted code out of the specs again, without changing it')
    .argument('<targets...>', 'features, tasks, or files and folders of adopted tasks')
    .option('--dry-run', 'show what would happen and write nothing')
    .option('--json', 'print one JSON object')
    .option('--no-wait', 'fail if another build of this project runs, instead of waiting for it')
    .addHelpText('after', examples('conductor disown billing', 'conductor disown src/billing/money.ts'))
    .action(async (targets: string[], options) => {
      const { runDisown } = await import('../commands/edits/rewriting.js');
      setExitCode(await runDisown(targets, options));
    });
}

export function addMove(program: Command, setExitCode: SetExitCode): void {
  program
    .command('mv')
    .description('rename a feature, a task or an output, and keep its results')
    .argument('<from>', 'a feature, a task, or a file or folder that tasks own')
    .argument('<to>', 'the new name, id or path')
    .option('--defer-gates', 'leave the build gates to the next build: you correct imports after the move')
    .option('--dry-run', 'show what would happen and write nothing')
    .option('--json', 'print one JSON object')
    .option('--no-wait', 'fail if another build of this project runs, instead of waiting for it')
    .addHelpText(
      'after',
      examples(
        'conductor mv feature-001-auth feature-001-login',
        'conductor mv feature-001-login/T01 session',
        'conductor mv src/auth/session.ts src/login/session.ts',
        'conductor mv src/auth src/login --defer-gates',
      ),
    )
    .action(async (from: string, to: string, options) => {
      const { runMove } = await import('../commands/edits/rewriting.js');
      setExitCode(await runMove(from, to, options));
    });
}

export function addRemove(program: Command, setExitCode: SetExitCode): void {
  program
    .command('rm')
    .description('remove features or tasks with what conductor built, and leave what people wrote')
    .argument('<targets...>', 'features or tasks')
    .option('--force', 'also if specs are in no commit or outputs were edited; edited files stay')
    .option('--dry-run', 'show what would happen and write nothing')
    .option('--json', 'print one JSON object')
    .option('--no-wait', 'fail if another build of this project runs, instead of waiting for it')
    .addHelpText(
      'after',
      examples('conductor rm feature-001-auth', 'conductor rm feature-001-auth/T02 --dry-run'),
    )
    .action(async (targets: string[], options) => {
      const { runRemove } = await import('../commands/edits/rewriting.js');
      setExitCode(await runRemove(targets, options));
    });
}

export function addAccept(program: Command, setExitCode: SetExitCode): void {
  program
    .command('accept')
    .description('record the files of tasks as they are, if their gates pass')
    .argument('<tasks...>', 'targets, as for build')
    .option('--no-wait', 'fail if another build of this project runs, instead of waiting for it')
    .option(...EVENTS)
    .addHelpText('after', examples('conductor accept feature-001-auth/T01'))
    .action(async (tasks: string[], options) => {
      const { runAccept } = await import('../commands/edits/accept.js');
      setExitCode(await runAccept(tasks, options));
    });
}

export function addApprove(program: Command, setExitCode: SetExitCode): void {
  program
    .command('approve')
    .description(
      'grant what an agent asks for: adds it to `edits`, `outputs` or `inputs` of the spec; or apply what a plan changes in other features',
    )
    .argument('[task]', 'a task whose agent asks for something, or a feature whose `changes` are applied')
    .argument('[what...]', 'only these files and packages, of all that it asks for')
    .option('--list', 'show what is asked for and change nothing')
    .option('--json', 'print one JSON object')
    .option('--no-wait', 'fail if a build of this project runs, instead of waiting for it')
    .addHelpText(
      'after',
      examples(
        'conductor approve --list',
        'conductor approve feature-001-auth/T01 package.json',
        'conductor approve feature-002-limits',
      ),
    )
    .action(async (task: string | undefined, what: string[], options) => {
      const { runApprove } = await import('../commands/edits/approve.js');
      setExitCode(await runApprove(task, what, options));
    });
}

export function addAbsorb(program: Command, setExitCode: SetExitCode): void {
  program
    .command('absorb')
    .description('find the spec change that explains a hand edit, and accept the edit as its result')
    .argument('<task>', 'a task with edited files')
    .option('--editor', 'write the change in $VISUAL or $EDITOR, even if an agent could propose it')
    .option('--yes', 'apply the proposal without asking')
    .option('--json', 'print one JSON object; nothing is applied without --yes')
    .option('--no-wait', 'fail if a build of this project runs, instead of waiting for it')
    .addHelpText('after', examples('conductor absorb feature-001-auth/T01'))
    .action(async (task: string, options) => {
      const { runAbsorb } = await import('../commands/edits/absorb.js');
      setExitCode(await runAbsorb(task, options));
    });
}

export function addDiff(program: Command, setExitCode: SetExitCode): void {
  program
    .command('diff')
    .description('show hand edits: the files on disk compared with the recorded ones')
    .argument('[targets...]', 'as for build')
    .option('--stat', 'print one line for each file instead of the changes')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor diff feature-001-auth/T01', 'conductor diff --stat'))
    .action(async (targets: string[], options) => {
      const { runDiff } = await import('../commands/edits/diff.js');
      setExitCode(await runDiff(targets, options));
    });
}

export function addRegenerate(program: Command, setExitCode: SetExitCode): void {
  program
    .command('regenerate')
    .description('build outputs again from the specs, without the old ones, and compare')
    .argument('[targets...]', 'as for build')
    .option('--all', 'regenerate every task')
    .option('--fresh', 'run the recipes even if the store has the results')
    .option(
      '--runs <n>',
      'build everything n times and show where the runs differ (implies --fresh)',
      positiveInteger,
    )
    .option('--apply', 'publish the new files after the comparison')
    .option('--html [file]', 'write the comparison to one page, with the differences side by side')
    .option('--json', 'print one JSON object')
    .option('--workers <n>', 'tasks at the same time', positiveInteger)
    .option('--no-wait', 'fail if a build of this project runs, instead of waiting for it')
    .addHelpText(
      'after',
      examples(
        'conductor regenerate --all                            # from the store: the same bytes, no model',
        'conductor regenerate feature-001-auth --fresh --html  # run the models again and open the page',
        'conductor regenerate feature-001-auth/T02 --runs 3    # how much does the spec leave open?',
      ),
    )
    .action(async (targets: string[], options) => {
      const { runRegenerate } = await import('../commands/edits/regenerate.js');
      setExitCode(await runRegenerate(targets, options));
    });
}

export function addVersions(program: Command, setExitCode: SetExitCode): void {
  program
    .command('versions')
    .description("list a feature's versions: date, what changed, cost, results")
    .argument('<feature>', 'the name of a feature')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor versions feature-001-auth'))
    .action(async (feature: string, options) => {
      const { runVersions } = await import('../commands/edits/versions.js');
      setExitCode(await runVersions(feature, options));
    });
}

export function addCheckout(program: Command, setExitCode: SetExitCode): void {
  program
    .command('checkout')
    .description('go back to a version of a feature: its spec from git, its outputs from the store')
    .argument('<feature@version>', 'a version from `conductor versions`')
    .option('--json', 'print one JSON object')
    .option('--no-wait', 'fail if a build of this project runs, instead of waiting for it')
    .addHelpText('after', examples('conductor checkout feature-001-auth@1.2.0'))
    .action(async (what: string, options) => {
      const { runCheckout } = await import('../commands/edits/checkout.js');
      setExitCode(await runCheckout(what, options));
    });
}

export function addBlame(program: Command, setExitCode: SetExitCode): void {
  program
    .command('blame')
    .description('show which task, spec, prompt, agent and model built a file, and its cost')
    .argument('<file>', 'a path, relative to the current folder')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor blame src/auth/session.ts'))
    .action(async (file: string, options) => {
      const { runBlame } = await import('../commands/edits/blame.js');
      setExitCode(await runBlame(file, options));
    });
}
