/** Which protocol answers at which path of the scripted model. */

import type { ProtocolName } from '../request.js';
import { anthropicMessages } from './anthropic-messages.js';
import { gemini, isGeminiPath } from './gemini.js';
import { openaiChat } from './openai-chat.js';
import { openaiResponses } from './openai-responses.js';
import type { Protocol } from './protocol.js';

export const PROTOCOLS: Readonly<Record<ProtocolName, Protocol>> = {
  chat: openaiChat,
  messages: anthropicMessages,
  responses: openaiResponses,
  gemini,
};

export function protocolAt(path: string): Protocol | undefined {
  switch (path) {
    case '/v1/chat/completions':
      return openaiChat;
    case '/v1/messages':
      return anthropicMessages;
    case '/v1/responses':
      return openaiResponses;
    default:
      return isGeminiPath(path) ? gemini : undefined;
  }
}
