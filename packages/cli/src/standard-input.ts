import { addAbortSignal, type Readable } from 'node:stream';
import { cliError } from './errors.js';

/** More than a template may have: what comes after it would be refused anyway. */
const MAX_BYTES = 2 ** 20;

/**
 * Reads a stream to its end as UTF-8 text.
 *
 * @throws `ICT_CLI_INPUT` when it is not UTF-8, or longer than any template; when the signal ends the reading
 */
export async function readStandardInput(stream: Readable, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of addAbortSignal(signal, stream) as AsyncIterable<Uint8Array | string>) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    length += bytes.length;
    if (length > MAX_BYTES) throw unusable(`has more than ${MAX_BYTES} bytes`);
    chunks.push(bytes);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw unusable('is not UTF-8 text', cause);
  }
}

function unusable(what: string, cause?: unknown): Error {
  return cliError('ICT_CLI_INPUT', { message: `standard input ${what}`, hint: 'Pipe the text of one template into ict.', cause });
}
