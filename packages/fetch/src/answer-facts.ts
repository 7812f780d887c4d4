import type { Answer } from './exchange.js';
import { redactUrl } from './redact-url.js';
import { parseRetryAfter } from './retry.js';

/** What an error says of an answer that is no success. */
export interface AnswerFacts extends Readonly<Record<string, unknown>> {
  readonly url: string;
  readonly answeredBy: string;
  readonly status: number;
  readonly retryAfterMs?: number;
}

/** @param name the address that was asked for, as it may be printed. */
export function answerFacts(name: string, answer: Answer): AnswerFacts {
  const retryAfterMs = parseRetryAfter(answer.headers['retry-after'], Date.now());
  return {
    url: name,
    answeredBy: redactUrl(answer.url),
    status: answer.status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}
