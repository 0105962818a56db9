/** What a provider's error means for a build, in the terms that all agents share. Pure. */

import type { Failure, KeptOutput } from '../model/failure.js';

export interface ProviderProblem {
  readonly text: string;
  /** Of HTTP, where the agent tells it. */
  readonly status?: number;
  /** How long until the next try, where the agent tells it. */
  readonly waitMs?: number;
  /** What the agent itself calls it, where that leaves no doubt. */
  readonly kind?: 'refused' | 'unavailable' | 'overflow';
}

/** No money left, in the words of the usual providers; a mere limit per minute passes by itself. */
const QUOTA =
  /insufficient[_ ]quota|exceeded your current quota|quota exceeded|credit balance|out of credits|billing|payment required/i;

/** A subscription's allowance for some hours or days is used up: it comes back at a known time. */
const ALLOWANCE =
  /(?:session|usage|weekly|daily|5-hour|hourly) limit (?:reached|exceeded)|hit your (?:session|usage|weekly|daily)? ?limit|limit will reset|exhausted your (?:daily|capacity)/i;

const REFUSED =
  /\b40[123]\b|invalid (?:x-)?api[- ]key|incorrect api key|api key not (?:valid|found)|authentication[_ ](?:error|failed)|unauthori[sz]ed|unauthenticated|permission[_ ](?:error|denied)|not logged in|please (?:run \/login|log in|login)|login (?:required|expired)|no api key|oauth token|credentials? (?:missing|expired)/i;

const UNAVAILABLE =
  /\b429\b|\b5\d\d\b (?:status|error|internal|service|bad|gateway|\{)|(?:status|error|code)[^\n]{0,20}\b5\d\d\b|rate.?limit|too many requests|resource (?:has been )?exhausted|overloaded|high demand|server had an error|internal (?:server )?error|service unavailable|bad gateway|gateway time-?out|stream (?:disconnected|ended|closed)|connection (?:error|reset|closed|refused|lost|to the api was lost)|unable to connect|socket (?:connection|hang ?up|closed)|\be(?:connreset|connrefused|connaborted|pipe|timedout|notfound|ai_again)\b|fetch failed|network error|^\W*(?:api error: )?terminated\W*$|other side closed|premature close|(?:request|connection|response|stream|api) timed? ?out/i;

const OVERFLOW =
  /prompt is too long|context[_ ](?:length|window)[_ ]?exceeded|maximum context length|out of room in the model's context|input token count[^\n]{0,40}exceeds|too many (?:input )?tokens|context window|input is too long|request too large/i;

export function isQuotaText(text: string): boolean {
  return QUOTA.test(text);
}

export function isOverflowText(text: string): boolean {
  return OVERFLOW.test(text);
}

/** Whether another try of the same agent cannot help, because a person must act or hours must pass. */
export function isHopeless({ status, text, kind }: ProviderProblem): boolean {
  if (kind !== undefined) return kind !== 'unavailable';
  if (status === 401 || status === 402 || status === 403) return true;
  return isQuotaText(text) || ALLOWANCE.test(text) || OVERFLOW.test(text);
}

type ProblemFailure = Extract<
  Failure,
  { kind: 'provider-refused' | 'provider-unavailable' | 'context-overflow' | 'agent-error' }
>;

/** The failure that a problem is; `agent-error` when it has nothing to do with a provider. */
export function failureOfProblem(
  problem: ProviderProblem,
  provider: string,
  output: KeptOutput,
): ProblemFailure {
  const { text, status, waitMs } = problem;
  const detail = text.trim().split('\n', 1)[0]?.slice(0, 500) || `status ${status ?? 'unknown'}`;
  const refused: ProblemFailure = {
    kind: 'provider-refused',
    provider,
    ...(status === undefined ? {} : { status }),
    detail,
    output,
  };
  const unavailable: ProblemFailure = {
    kind: 'provider-unavailable',
    provider,
    detail,
    ...(waitMs === undefined ? {} : { waitMinutes: waitMs / 60_000 }),
    output,
  };
  switch (problem.kind) {
    case 'refused':
      return refused;
    case 'unavailable':
      return unavailable;
    case 'overflow':
      return { kind: 'context-overflow', detail, output };
    default:
  }
  if (ALLOWANCE.test(text)) return unavailable;
  if (status === 401 || status === 402 || status === 403 || isQuotaText(text)) return refused;
  if (OVERFLOW.test(text)) return { kind: 'context-overflow', detail, output };
  if (status !== undefined) {
    return status === 429 || status >= 500 ? unavailable : { kind: 'agent-error', detail, output };
  }
  if (REFUSED.test(text)) return refused;
  return UNAVAILABLE.test(text) ? unavailable : { kind: 'agent-error', detail, output };
}
