import { expect, test } from 'vitest';
import { until } from '../../test/rig/command-line.js';
import { connect, PROTOCOL_VERSION } from './connection.js';

test('a message is one line, in pieces or whole; no other line keeps it from being read', async () => {
  const asked: { id: number }[] = [];
  const client = { requestPermission: () => never(), sessionUpdate: () => {} };
  const connection = connect(client as never, (line) => asked.push(JSON.parse(line)));
  const answer = async (print: (message: string) => void): Promise<unknown> => {
    const before = asked.length;
    const answered = connection.agent.initialize({ protocolVersion: PROTOCOL_VERSION });
    await until('the question', () => asked.length > before);
    const result = { protocolVersion: PROTOCOL_VERSION, agentCapabilities: {} };
    print(JSON.stringify({ jsonrpc: '2.0', id: asked.at(-1)?.id, result }));
    return answered;
  };
  const whole = expect.objectContaining({ protocolVersion: PROTOCOL_VERSION });
  expect(
    await answer((message) => {
      for (const other of ['{ loading', '{"half": ', 'warning', '']) connection.line(other, true);
      connection.line(message, true);
    }),
  ).toEqual(whole);
  expect(
    await answer((message) => {
      connection.line(message.slice(0, 10), false);
      connection.line(message.slice(10), true);
    }),
  ).toEqual(whole);
  // What is too long is given up to its end, and no further.
  expect(
    await answer((message) => {
      connection.line('{"', false);
      for (let piece = 0; piece < 9; piece++) connection.line('x'.repeat(1_000_000), false);
      connection.line('"}', true);
      connection.line(message, true);
    }),
  ).toEqual(whole);
  connection.close();
});

function never(): Promise<never> {
  return new Promise(() => {});
}
