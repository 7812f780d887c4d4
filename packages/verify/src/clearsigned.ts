/** A clear-signed message taken apart. Nothing in it is trusted yet. */
export interface ClearsignedParts {
  /** The covered text: dash-escapes removed, no white space at line ends, lines joined by `\n`, no final newline. */
  readonly text: string;
  /** The bytes that the signatures cover: the same lines joined by CRLF, in UTF-8. */
  readonly covered: Uint8Array;
  /** The armoured signature block, from its BEGIN to its END line. */
  readonly signature: string;
}

export type ClearsignedReading =
  | { readonly kind: 'message'; readonly parts: ClearsignedParts }
  /** Text without any mark of a signature. */
  | { readonly kind: 'unsigned'; readonly reason: string }
  | { readonly kind: 'malformed'; readonly reason: string };

const messageBegin = '-----BEGIN PGP SIGNED MESSAGE-----';
const signatureBegin = '-----BEGIN PGP SIGNATURE-----';
const signatureEnd = '-----END PGP SIGNATURE-----';
const hashHeader = /^Hash: [A-Za-z0-9/-]+(?:, ?[A-Za-z0-9/-]+)*$/;

const malformed = (reason: string): ClearsignedReading => ({ kind: 'malformed', reason });

/** RFC 9580 section 7.2: blanks at the end of a line are not covered. A carriage return there belongs to the line ending. */
function withoutTrailingBlanks(line: string): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t' || line[end - 1] === '\r')) end -= 1;
  return line.slice(0, end);
}

/**
 * Splits a clear-signed message (RFC 9580, section 7). Strict on purpose, so that a reader can never see text that no
 * signature covers: nothing may stand before the first line or after the last one (but empty lines at the end), there is
 * exactly one message, only `Hash` headers, one empty line after them, each covered line that begins with a dash is
 * escaped, and the text is UTF-8.
 *
 * @returns the parts, or why there are none; never throws.
 */
export function readClearsigned(message: Uint8Array): ClearsignedReading {
  let decoded: string;
  try {
    decoded = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(message);
  } catch {
    // The only failure of a fatal decoder is input that is not UTF-8.
    return malformed('the message is not UTF-8 text');
  }
  const lines = decoded.split('\n');
  if (withoutTrailingBlanks(lines[0] ?? '') !== messageBegin) {
    if (!decoded.includes('-----BEGIN PGP')) return { kind: 'unsigned', reason: 'the text carries no signature' };
    return malformed(`the first line is not "${messageBegin}"`);
  }

  let at = 1;
  for (; ; at += 1) {
    const line = lines[at];
    if (line === undefined) return malformed('the message ends within its headers');
    const header = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (header === '') break;
    if (!hashHeader.test(header)) return malformed('a header other than "Hash" precedes the text');
  }

  const text: string[] = [];
  for (at += 1; ; at += 1) {
    const line = lines[at];
    if (line === undefined) return malformed('the message has no signature');
    const trimmed = withoutTrailingBlanks(line);
    if (trimmed === signatureBegin) break;
    if (!line.startsWith('-')) {
      text.push(trimmed);
    } else if (line.startsWith('- ')) {
      text.push(withoutTrailingBlanks(line.slice(2)));
    } else {
      return malformed('a line that begins with a dash is not escaped');
    }
  }

  const start = at;
  for (at += 1; withoutTrailingBlanks(lines[at] ?? '') !== signatureEnd; at += 1) {
    const line = lines[at];
    if (line === undefined) return malformed('the signature block has no end');
    if (line.startsWith('-----')) return malformed('a second block begins within the signature');
  }
  const signature = lines
    .slice(start, at + 1)
    .map(withoutTrailingBlanks)
    .join('\n');
  if (lines.slice(at + 1).some((line) => withoutTrailingBlanks(line) !== '')) return malformed('text follows the signature');
  return { kind: 'message', parts: { text: text.join('\n'), covered: new TextEncoder().encode(text.join('\r\n')), signature } };
}
