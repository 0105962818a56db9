/** The adapter of the Agent Client Protocol's SDK: a connection over the lines of a program. Knows no session. */

import {
  type AnyMessage,
  type Client,
  ClientSideConnection,
  PROTOCOL_VERSION,
  RequestError,
} from '@agentclientprotocol/sdk';

export type {
  Client as AcpClient,
  NewSessionResponse,
  PromptResponse,
  RequestPermissionRequest,
  RequestPermissionResponse,
  SessionNotification,
  SessionUpdate,
  ToolCallUpdate,
} from '@agentclientprotocol/sdk';
export { PROTOCOL_VERSION, RequestError };

/** What conductor asks of an agent. */
export type AcpAgent = Pick<
  ClientSideConnection,
  | 'initialize'
  | 'newSession'
  | 'authenticate'
  | 'prompt'
  | 'cancel'
  | 'setSessionMode'
  | 'setSessionConfigOption'
>;

export interface AcpConnection {
  readonly agent: AcpAgent;
  /** A line that the program printed. A long one comes in pieces, of which `isEnd` is the last. */
  line(text: string, isEnd: boolean): void;
  /** The program has ended: what still waits for an answer fails. */
  close(): void;
}

/** A message longer than this is given up. */
const MAX_MESSAGE = 8_000_000;

export function connect(client: Client, send: (line: string) => void): AcpConnection {
  let controller: ReadableStreamDefaultController<AnyMessage> | undefined;
  const readable = new ReadableStream<AnyMessage>({
    start: (given) => {
      controller = given;
    },
  });
  const writable = new WritableStream<AnyMessage>({
    write: (message) => send(`${JSON.stringify(message)}\n`),
  });
  const connection = new ClientSideConnection(() => client, { readable, writable });
  let pieces: string[] = [];
  let length = 0;
  return {
    agent: connection,
    line(text, isEnd) {
      length += text.length;
      if (length <= MAX_MESSAGE) pieces.push(text);
      if (!isEnd) return;
      const message = length <= MAX_MESSAGE ? messageIn(pieces.join('')) : undefined;
      pieces = [];
      length = 0;
      if (message) controller?.enqueue(message);
    },
    close() {
      try {
        controller?.close();
      } catch {
        // It is closed already.
      }
    },
  };
}

/** Other lines (warnings of the program) are no messages. */
function messageIn(line: string): AnyMessage | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as AnyMessage;
  } catch {
    return undefined;
  }
}
