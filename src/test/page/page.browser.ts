/** Holds what the page shows in a real browser: a build while it runs, failures near at hand, hostile text as text. */

import { afterAll, describe, expect, test } from 'vitest';
import { until } from '../rig/command-line.js';
import { createRig, type Rig } from '../rig/rig.js';
import { browserPath, closeBrowser, openRigPage, seriousFindings } from './browser.js';

afterAll(closeBrowser);

/** A project with a build that failed at a gate, one that was edited since, and dependencies over two features. */
async function variedProject(): Promise<Rig> {
  const rig = await createRig({ config: { attempts: 1 } });
  rig.backlog('core', {
    T1: { title: 'First', outputs: ['a.txt'], verify: ['echo looked at a; test -f a.txt'] },
    T2: { title: 'Second', outputs: ['b.txt'], depends_on: ['T1'] },
  });
  rig.backlog('web', {
    T1: {
      title: 'Broken',
      outputs: ['c.txt'],
      depends_on: ['core/T1'],
      verify: ['echo expected 17, got 18; exit 3'],
    },
    T2: { title: 'After it', outputs: ['d.txt'], depends_on: ['T1'] },
  });
  rig.answer('core/T1', { 'a.txt': 'one\n' });
  rig.answer('core/T2', { 'b.txt': 'two\n' });
  rig.answer('web/T1', { 'c.txt': 'three\n' });
  const usage = { costUsd: 0.12, tokensIn: 1200, tokensOut: 300 };
  await rig.build({}, { usage });
  rig.write({ 'b.txt': 'by hand\n' });
  return rig;
}

const VIEWS = ['builds', 'graph', 'timeline', 'files', 'review', 'metrics'] as const;
const TABS = ['why', 'spec', 'prompt', 'agent', 'gates', 'diff', 'result', 'history'] as const;

describe.skipIf(browserPath === undefined)('the page in Chromium', () => {
  test('a build in another place is followed from queued to published without a reload', async () => {
    await using rig = await createRig();
    rig.backlog('f', { T1: { outputs: ['a.txt'] }, T2: { outputs: ['b.txt'], depends_on: ['T1'] } });
    rig.commit();
    const { page, complaints } = await openRigPage(rig);
    await page.evaluate(() => {
      Object.assign(window, { isSamePage: true });
    });
    const held = rig.start();
    const first = await held.agent.next('f/T1');
    const live = page.locator('.live');
    await live.getByText('f/T1').waitFor();
    await live.getByText('agent').waitFor();
    await live.getByRole('link', { name: 'conductor build' }).click();
    const row = (label: string) => page.locator('table.table tr', { hasText: label });
    await row('f/T1').locator('.status', { hasText: 'running' }).waitFor();
    await row('f/T2').locator('.status', { hasText: 'queued' }).waitFor();
    first.usage({ costUsd: 0.5, tokensIn: 10 });
    await page.locator('.live').getByText('$0.50').waitFor();
    await first.write('a.txt', 'one\n');
    first.finish();
    const second = await held.agent.next('f/T2');
    await row('f/T1').locator('.status', { hasText: 'built' }).waitFor();
    await row('f/T2').locator('.status', { hasText: 'running' }).waitFor();
    await second.write('b.txt', 'two\n');
    second.finish();
    await held.done;
    await row('f/T2').locator('.status', { hasText: 'built' }).waitFor();
    const published = page.locator('section', { hasText: 'Published files' });
    await published.getByText('b.txt').waitFor();
    // The next build of the same project shows up on the same page, too.
    rig.remove('a.txt');
    await rig.buildWithoutAgent();
    await page.getByRole('link', { name: 'Builds' }).click();
    await page.locator('table.builds tbody tr').nth(1).waitFor();
    expect(await page.evaluate(() => (window as unknown as { isSamePage?: boolean }).isSamePage)).toBe(true);
    expect(complaints).toEqual([]);
  });

  test("a failing gate's output is two clicks away", async () => {
    await using rig = await variedProject();
    const { page } = await openRigPage(rig);
    await page.locator('table.builds tbody a').first().click();
    await page.locator('.failed-task a', { hasText: 'web/T1' }).click();
    await page.locator('.gate[open] pre', { hasText: 'expected 17, got 18' }).first().waitFor();
    // Its hint is a command that the person who opened the page can paste.
    await page.getByRole('link', { name: /^Why/ }).click();
    await page.locator('.hint', { hasText: '`npx conductor log web/T1`' }).first().waitFor();
  });

  test('every view is without a serious finding of axe, light and dark, and fits into 400 pixels', async () => {
    await using rig = await variedProject();
    const { page, go, complaints, asked, origin } = await openRigPage(rig);
    const found: string[] = [];
    const shown = [...VIEWS.map((view) => `#/${view}`), ...TABS.map((tab) => `#/task/web/T1?tab=${tab}`)];
    const build = await page.locator('table.builds tbody a').first().getAttribute('href');
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      for (const hash of [...shown, build ?? '']) {
        await page.setViewportSize({ width: 1280, height: 860 });
        await go(hash);
        await page.waitForFunction(() => !document.querySelector('main')?.textContent?.includes('Loading…'));
        for (const finding of await seriousFindings(page)) found.push(`${scheme} ${hash}: ${finding}`);
        await page.setViewportSize({ width: 400, height: 800 });
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        if (width > 400) found.push(`${scheme} ${hash}: ${width} pixels wide`);
      }
    }
    expect(found).toEqual([]);
    expect(complaints).toEqual([]);
    expect(
      asked.filter((address) => !address.startsWith(`${origin}/`) && !address.startsWith('data:')),
    ).toEqual([]);
  });

  test('the keyboard reaches a task in the graph and moves the drawing', async () => {
    await using rig = await variedProject();
    const { page, go } = await openRigPage(rig);
    await go('#/graph');
    const node = page.locator('a.node[data-label="web/T1"]');
    await node.waitFor();
    const drawing = page.locator('.canvas svg');
    const before = await page.locator('.canvas svg > g').getAttribute('transform');
    await drawing.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('+');
    await expect.poll(() => page.locator('.canvas svg > g').getAttribute('transform')).not.toBe(before);
    await node.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'web/T1' }).waitFor();
  });

  test('markup, script addresses and escapes in titles, paths, outputs and transcripts stay text', async () => {
    await using rig = await createRig({ config: { attempts: 1 } });
    const evil = `<img src=x onerror="window.hacked=1"><script>window.hacked=2</script>`;
    const path = 'x<svg onload=alert(1)>.txt';
    rig.backlog('f', {
      T1: {
        title: `${evil} [a](javascript:alert(1))`,
        description: evil,
        acceptance: [`javascript:alert(1) ${evil}`],
        outputs: ['a.txt', path],
        verify: [`printf '\\033]0;x\\007\\033[31m%s\\033[2J' '<script>window.hacked=3</script>'; exit 1`],
      },
      T2: { title: evil, outputs: ['b.txt'] },
    });
    rig.answer('f/T1', { 'a.txt': `${evil}\n`, [path]: evil });
    rig.answer('f/T2', (request) => {
      request.onEvent({ kind: 'output', line: evil });
      return { 'b.txt': `</script>${evil}\n` };
    });
    await rig.build();
    const logs = rig.path('.conductor/logs');
    const { page, go, complaints } = await openRigPage(rig);
    const transcript = `{"type":"text","text":${JSON.stringify(evil)}}\n{"type":"tool","tool":${JSON.stringify(evil)},"status":"completed","input":{"filePath":${JSON.stringify(evil)}},"output":${JSON.stringify(evil)}}\n`;
    const [build] = await import('node:fs/promises').then(({ readdir }) => readdir(logs));
    rig.write({ [`.conductor/logs/${build}/f~T1/agent-1.log`]: transcript });
    const hashes = [...VIEWS.map((view) => `#/${view}`), `#/build/${build}`];
    for (const label of ['f/T1', 'f/T2'])
      hashes.push(...TABS.map((tab) => `#/task/${label}?tab=${tab}&build=${build}`));
    // An address can be sent by anybody.
    hashes.push(
      `#/task/${encodeURIComponent(evil)}`,
      '#/javascript:alert(1)',
      `#/review?range=${encodeURIComponent(evil)}`,
    );
    for (const hash of hashes) {
      await go(hash);
      await page.waitForFunction(() => !document.querySelector('main')?.textContent?.includes('Loading…'));
      const bad = await page.evaluate(() => ({
        hacked: (window as unknown as { hacked?: number }).hacked,
        scripts: document.querySelectorAll(
          'script:not([src="app.js"]), main img, main svg[onload], main iframe',
        ).length,
        links: [...document.querySelectorAll('a')].filter(
          (a) => !(a.getAttribute('href') ?? '').startsWith('#/'),
        ).length,
        escapes: (document.body.textContent ?? '').includes('\u001b'),
      }));
      expect({ hash, ...bad }).toEqual({ hash, scripts: 0, links: 0, escapes: false });
    }
    await go(`#/task/f/T1?tab=agent&build=${build}`);
    await page.getByText('onerror="window.hacked=1"').first().waitFor();
    // Nothing was loaded and nothing was blocked: none of it ever was markup.
    expect(complaints.filter((one) => !one.includes('404'))).toEqual([]);
  });

  test('buttons are there only with actions, and start what they say', async () => {
    await using rig = await variedProject();
    const readOnly = await openRigPage(rig);
    await readOnly.page.getByText('All builds').waitFor();
    expect(await readOnly.page.getByRole('button', { name: 'Build all' }).count()).toBe(0);
    const started: string[] = [];
    const { page, go } = await openRigPage(rig, {
      start: async (args) => {
        started.push(args.join(' '));
        return { exitCode: 0, tail: '' };
      },
    });
    await page.getByRole('button', { name: 'Retry failed' }).click();
    await until('the build to start', () => started.length === 1);
    await go('#/files');
    await page.getByRole('button', { name: 'Accept edits' }).click();
    await page.getByRole('button', { name: 'Yes' }).click();
    await until('accept to start', () => started.length === 2);
    expect(started).toEqual(['build web/T1', 'accept core/T2']);
  });

  test('what an agent asks for is shown, and a button grants it', async () => {
    await using rig = await createRig();
    rig.backlog('f', { T1: { outputs: ['a.txt'], inputs: [], verify: ['false'] } });
    rig.commit();
    const held = rig.start();
    const run = await held.agent.next('f/T1');
    await run.write('a.txt', 'one\n');
    run.report({ needs: [{ kind: 'write', what: 'package.json', because: 'it needs <b>zod</b>' }] });
    run.finish();
    await held.done;
    const started: string[] = [];
    const { page, go, complaints } = await openRigPage(rig, {
      start: async (args) => {
        started.push(args.join(' '));
        return { exitCode: 0, tail: '' };
      },
    });
    await go('#/task/f/T1?tab=why');
    const asks = page.locator('section', { hasText: 'The agent asks' });
    await asks.getByText('to write package.json').first().waitFor();
    await asks.getByText('it needs <b>zod</b>').first().waitFor();
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('button', { name: 'Yes' }).click();
    await until('approve to start', () => started.length === 1);
    expect(started).toEqual(['approve f/T1']);
    expect(complaints).toEqual([]);
  });
});
