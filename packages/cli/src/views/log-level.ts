/** How much is said on stderr. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** From the most to the least talkative. */
export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
