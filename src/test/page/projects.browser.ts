/** Holds what the page of several projects shows in a real browser: all of them on one page, each on its own behind a link. */

import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { openProjectsUi } from '../../commands/ui/projects-pages.js';
import { ensureBuilt } from '../rig/command-line.js';
import { ProjectsRig } from '../rig/projects-rig.js';
import type { Rig } from '../rig/rig.js';
import { ASSETS, browserPath, closeBrowser, openAddress, seriousFindings } from './browser.js';

afterAll(closeBrowser);

/** The address with the key. The last project of the list has no folder. */
async function serveProjects(projects: ProjectsRig): Promise<string> {
  ensureBuilt();
  const { list } = projects.parts(() => {}, new AbortController().signal, new Map());
  const all = list.projects.map((one) => (one.name === 'gone' ? { ...one, folder: '/gone/from/here' } : one));
  const opened = await openProjectsUi({
    projects: all,
    hostOf: ({ name }) => ({
      ...(projects.rigs.get(name) as Rig).host(new ScriptedAgent({ tripwire: true })),
      now: Date.now,
    }),
    ...{ version: '1', env: {}, calledAs: 'npx conductor', assets: ASSETS, port: 0 },
    calledIn: (name) => `cd ../${name} && npx conductor`,
    after(ms, call) {
      const timer = setTimeout(call, ms);
      return () => clearTimeout(timer);
    },
    onError(error) {
      throw error;
    },
  });
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  onTestFinished(() => opened.value.close());
  return opened.value.address;
}

describe.skipIf(browserPath === undefined)('the page of several projects in Chromium', () => {
  test('builds of all projects are followed on one page, and each project has its own pages behind a link', async () => {
    await using projects = new ProjectsRig();
    const api = await projects.add('api');
    const web = await projects.add('web', { depends_on: ['api'] });
    await projects.add('gone');
    for (const rig of [api, web]) {
      rig.backlog('f', { T1: { outputs: ['a.txt'] } });
      rig.commit();
    }
    api.answer('f/T1', { 'a.txt': 'one\n' });
    await api.build();
    const { page, complaints, asked, origin } = await openAddress(await serveProjects(projects));
    const row = (name: string) =>
      page.locator('table.projects tr', { has: page.locator('td').first().getByText(name, { exact: true }) });
    await row('api').locator('.status', { hasText: 'built' }).first().waitFor();
    await row('gone').getByText('does not exist').waitFor();
    expect(await page.getByRole('navigation').getByText('Graph').count()).toBe(0);

    const held = web.start();
    const task = await held.agent.next('f/T1');
    const live = page.locator('.live', { hasText: 'web' });
    await live.getByText('f/T1').waitFor();
    await row('web').locator('.status', { hasText: 'running' }).first().waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.setViewportSize({ width: 400, height: 800 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(400);
    await page.setViewportSize({ width: 1280, height: 860 });

    await live.getByRole('link', { name: 'f/T1' }).click();
    await page.getByRole('heading', { name: 'f/T1' }).waitFor();
    expect(page.url()).toContain('/p/web/#/task/f/T1');
    await page.getByRole('link', { name: 'Builds' }).click();
    await page.locator('.live').getByText('f/T1').waitFor();
    await task.write('a.txt', 'one\n');
    task.finish();
    await held.done;
    await page.locator('table.builds .status', { hasText: 'built' }).first().waitFor();
    await page.getByRole('link', { name: 'All projects' }).click();
    await row('web').locator('.status', { hasText: 'built' }).first().waitFor();
    await page.locator('.idle').waitFor();
    expect(complaints).toEqual([]);
    const foreign = asked.filter((one) => !one.startsWith(`${origin}/`) && !one.startsWith('data:'));
    expect(foreign).toEqual([]);
  });
});
