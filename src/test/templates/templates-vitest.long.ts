/** The shipped templates in a project with vitest and happy-dom: features in TypeScript, and components tested in a DOM. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { PACKAGE } from '../rig/command-line.js';
import { type FeatureRequest, TemplateProject } from './template-project.js';

// Whole builds with many gates: far below this on an idle machine.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

describe('a project with vitest and happy-dom', () => {
  const project = TemplateProject.linked({ 'package.json': '{ "devDependencies": { "vitest": "*" } }\n' });
  const ts = { language: 'ts' };
  const features: FeatureRequest[] = [
    {
      template: 'crud-feature',
      name: 'line-items',
      set: {
        entity: 'line item',
        fields: 'article:string!,count:integer!,price:number,due:date,gift:boolean',
        ...ts,
      },
    },
    {
      template: 'api-endpoint',
      name: 'close',
      set: {
        operation: 'close',
        method: 'DELETE',
        path: '/a/{b}/{c}',
        request: 'why:string!,at:date',
        ...ts,
      },
    },
    {
      template: 'api-endpoint',
      name: 'refund',
      set: {
        operation: 'create refund',
        path: '/refunds',
        request: 'amount:integer!',
        response: 'id:string!',
        ...ts,
      },
    },
    {
      template: 'library-module',
      name: 'address',
      set: { module: 'postal address', about: 'Where people live.', ...ts },
    },
    {
      template: 'ui-component',
      name: 'form',
      set: {
        component: 'Category',
        fields: 'fullName:string!,rank:integer,share:number,since:date,open:boolean',
      },
    },
    {
      template: 'ui-component',
      name: 'ts-form',
      set: { component: 'Person', fields: 'fullName:string,agreed:boolean', ...ts },
    },
    {
      template: 'crud-feature',
      name: 'invoices',
      set: { entity: 'Invoice', fields: 'number:string!,total:number,paid:boolean' },
    },
    { template: 'cli-command', name: 'tidy', set: { command: 'tidy', about: 'Tidies', operand: 'file' } },
  ];
  beforeAll(async () => {
    await project.build(features);
  });
  afterAll(() => project.dispose());

  test('has the same features in TypeScript, and components that were tested in a DOM', async () => {
    expect(project.generated()).toEqual(
      expect.arrayContaining([
        'src/close/handler.ts',
        'src/components/category-form/category-form.mjs',
        'src/components/person-form/person-form.ts',
        'src/line-items/handler.ts',
        'src/postal-address/index.ts',
        'src/shared/http.mjs',
        'src/shared/http.ts',
      ]),
    );
    expect(project.typeProblems()).toBe('');
    expect(project.layoutProblems()).toBe('');
    expect(project.noise()).toEqual([]);
    expect((await project.conductor('build')).text).toMatch(/nothing to do/);
  });

  test('runs the tests of all of them with its own runner, those of JavaScript too', () => {
    expect(project.read('src/invoices/store.test.mjs')).toContain("import { test } from 'vitest';");
    const vitest = join(PACKAGE, 'node_modules/vitest/vitest.mjs');
    const run = spawnSync(process.execPath, [vitest, 'run', '--root', project.dir], {
      cwd: project.dir,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: project.home, NO_COLOR: '1' },
    });
    expect(run.stdout + run.stderr).toMatch(/Test Files {2}\d+ passed \(\d+\)/);
    expect(run.status).toBe(0);
  });

  test('has gates that see it when a component is not accessible any more', async () => {
    const template = 'templates/ui-component/element.hbs';
    project.write(template, project.read(template).replace('caption.htmlFor = name;', ''));
    const broken = await project.conductor('build', 'feature-005-form');
    expect(broken.text).toMatch(/error: feature-005-form\/T02: a gate failed/);
  });
});

test('a component says what it needs when there is no DOM to test it in', async () => {
  const project = new TemplateProject();
  try {
    await project.new({
      template: 'ui-component',
      name: 'form',
      set: { component: 'Note', fields: 'text:string' },
    });
    const built = await project.conductor('build');
    expect(built.code).toBe(1);
    const log = await project.conductor('log', 'feature-001-form/T02');
    expect(built.text + log.text).toContain('npm install --save-dev happy-dom@');
  } finally {
    project.dispose();
  }
});
