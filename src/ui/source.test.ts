import { expect, onTestFinished, test, vi } from 'vitest';
import { startAction } from './source.js';

test('a command that the server does not start is refused with its sentence, as JSON or as text', async () => {
  onTestFinished(() => {
    vi.unstubAllGlobals();
  });
  const answers = [
    Response.json({ id: 'action-1' }, { status: 202 }),
    Response.json({ error: 'nothing failed in the last build' }, { status: 409 }),
    new Response('the operating system refused: scandir', { status: 500 }),
  ];
  vi.stubGlobal('fetch', async () => answers.shift());
  expect(await startAction('build', [])).toBe('action-1');
  await expect(startAction('retry', [])).rejects.toThrow('nothing failed in the last build');
  await expect(startAction('build', [])).rejects.toThrow('the operating system refused: scandir');
});
