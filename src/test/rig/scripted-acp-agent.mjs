// A small agent that speaks the Agent Client Protocol: it does what the words of its prompt say. For tests of the driver.
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const waiting = new Map();
let asked = 0;
const ask = (method, params) =>
  new Promise((resolve) => {
    const id = `agent-${++asked}`;
    waiting.set(id, resolve);
    send({ id, method, params });
  });

let cwd = '';
let model = 'none';
let mode = 'plan';
let onCancel = () => {};
const sessionId = 'session-1';
const update = (body) => send({ method: 'session/update', params: { sessionId, update: body } });
const say = (text) => update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } });
const OPTIONS = [
  { optionId: 'yes', name: 'Yes', kind: 'allow_once' },
  { optionId: 'no', name: 'No', kind: 'reject_once' },
];

const WORDS = {
  /** Through the client. */
  async write([path, content]) {
    const { error } = await ask('fs/write_text_file', { sessionId, path: `${cwd}/${path}`, content });
    say(error ? `refused ${path}: ${error.message}. ` : `wrote ${path}. `);
  },
  /** By itself, told as a tool call. */
  async tool([kind, path]) {
    const toolCallId = `call-${++asked}`;
    update({ sessionUpdate: 'tool_call', toolCallId, title: `${kind} ${path}`, kind, status: 'pending' });
    if (kind === 'read') readFileSync(`${cwd}/${path}`);
    update({
      sessionUpdate: 'tool_call_update',
      toolCallId,
      status: 'completed',
      locations: [{ path: `${cwd}/${path}` }],
    });
  },
  async permission([kind, path]) {
    const toolCall = {
      toolCallId: `call-${++asked}`,
      kind,
      title: kind,
      locations: [{ path: path.startsWith('/') ? path : `${cwd}/${path}` }],
    };
    const { result } = await ask('session/request_permission', { sessionId, toolCall, options: OPTIONS });
    say(`${kind} ${result.outcome.optionId}. `);
    if (result.outcome.optionId === 'yes' && kind === 'edit') writeFileSync(`${cwd}/${path}`, 'edited');
  },
  needs: async ([what]) =>
    writeFileSync(
      process.env.CONDUCTOR_NEEDS,
      JSON.stringify({ needs: [{ kind: 'write', what, because: 'it is named there' }] }),
    ),
  about: async () => say(`model ${model}, mode ${mode}. `),
  hang: () => new Promise((resolve) => (onCancel = resolve)),
  deaf: () => new Promise(() => {}),
  die: async () => process.exit(3),
  killed: async () => process.kill(process.pid, 'SIGKILL'),
  /** Of a library that prints what it likes. */
  print: async ([...text]) => process.stdout.write(`${text.join(' ')}\n`),
  /** Told when it is over, as some agents do. */
  over: async ([kind]) => {
    const toolCallId = `call-${++asked}`;
    update({ sessionUpdate: 'tool_call', toolCallId, title: kind, kind, status: 'completed' });
  },
  async fail([...text]) {
    throw new Error(text.join(' '));
  },
};

async function prompt(text) {
  let isCancelled = false;
  for (const [, word, rest = ''] of text.matchAll(/\[(\w+)([^\]]*)\]/g)) {
    await WORDS[word]?.(rest.trim().split(' '));
    if (word === 'hang') isCancelled = true;
  }
  return {
    stopReason: isCancelled ? 'cancelled' : (/\(stop (\w+)\)/.exec(text)?.[1] ?? 'end_turn'),
    usage: { totalTokens: 150, inputTokens: 100, outputTokens: 50, cachedReadTokens: 20 },
  };
}

const METHODS = {
  initialize: () => ({ protocolVersion: 1, agentCapabilities: {}, authMethods: [] }),
  'session/new': (params) => {
    cwd = params.cwd;
    return {
      sessionId,
      modes: {
        currentModeId: 'plan',
        availableModes: [
          { id: 'plan', name: 'Plan' },
          { id: 'build', name: 'Build' },
        ],
      },
      configOptions: [
        {
          id: 'llm',
          name: 'Model',
          category: 'model',
          type: 'select',
          currentValue: 'small',
          options: [
            { value: 'small', name: 'Small' },
            { value: 'large', name: 'Large' },
          ],
        },
      ],
    };
  },
  'session/set_mode': ({ modeId }) => {
    mode = modeId;
    return {};
  },
  'session/set_config_option': ({ value }) => {
    model = value;
    return { configOptions: [] };
  },
  'session/prompt': (params) => prompt(params.prompt[0].text),
};

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, method, params, ...answer } = JSON.parse(line);
  if (method === undefined) {
    waiting.get(id)?.(answer);
    return;
  }
  if (method === 'session/cancel') onCancel();
  if (id === undefined) return;
  try {
    send({ id, result: await METHODS[method](params) });
  } catch (error) {
    send({ id, error: { code: -32603, message: 'Internal error', data: { details: error.message } } });
  }
});
