import type { EventBody, EventType } from '@ict/plugin-api';
import { count, faultOf, is, jsonData, list, oneOf, optional, shape, word, type Check } from './value-check.js';

/** A text that people read; a half of a surrogate pair in it, as cutting one short leaves, harms nobody. */
const said = is('a text', (value) => typeof value === 'string');
const duration = is('a number of milliseconds', (value) => typeof value === 'number' && value >= 0 && Number.isFinite(value));

/** The compiler names a member of the type that is missing here, and one that it does not have. */
type Members<Type extends EventType> = Readonly<Record<Exclude<keyof Extract<EventBody, { readonly type: Type }>, 'type'>, Check>>;

const position = shape({ file: said, line: count, column: count });

/**
 * What a plugin may say of its own work, by type, with what each event has beside its type. All others are the engine's: a plugin cannot know them, and
 * scripts take them for the truth.
 */
export const PLUGIN_EVENTS = {
  warning: {
    code: word,
    message: word,
    hint: optional(said),
    position: optional((value, path) => jsonData(value, path) ?? position(value, path)),
  } satisfies Members<'warning'>,
  'fetch.start': { files: count, totalBytes: count } satisfies Members<'fetch.start'>,
  'fetch.progress': {
    url: said,
    receivedBytes: count,
    totalBytes: optional(count),
    from: optional(oneOf('remote')),
  } satisfies Members<'fetch.progress'>,
  'fetch.done': { url: said, sizeBytes: count, durationMs: duration, from: optional(oneOf('remote')) } satisfies Members<'fetch.done'>,
  'fetch.retry': { url: said, attempt: count, reason: said } satisfies Members<'fetch.retry'>,
  'install.progress': {
    phase: oneOf('extract', 'unpack', 'configure'),
    name: said,
    done: count,
    total: count,
  } satisfies Members<'install.progress'>,
  'command.start': { command: list(said, 'a list of texts') } satisfies Members<'command.start'>,
  'command.output': { stream: oneOf('stdout', 'stderr'), text: said } satisfies Members<'command.output'>,
  'image.progress': { artifact: said, action: said } satisfies Members<'image.progress'>,
} as const;

const TYPES = shape({ type: oneOf(...Object.keys(PLUGIN_EVENTS)) });

/** An event as a plugin said it, without members that its type does not have; or what is wrong with it, in words. */
export type HeardEvent = { readonly event: EventBody } | { readonly fault: string };

/** Checks what a plugin hands to `ctx.emit`. */
export function hearEvent(value: unknown): HeardEvent {
  const untyped = faultOf(value, TYPES);
  if (untyped !== undefined) return { fault: untyped };
  const said = value as Readonly<Record<string, unknown>> & { readonly type: keyof typeof PLUGIN_EVENTS };
  const members: Readonly<Record<string, Check>> = PLUGIN_EVENTS[said.type];
  const fault = faultOf(said, shape(members));
  if (fault !== undefined) return { fault };
  const kept = Object.keys(members).flatMap((name) => (said[name] === undefined ? [] : [[name, said[name]] as const]));
  return { event: { type: said.type, ...Object.fromEntries(kept) } as EventBody };
}
