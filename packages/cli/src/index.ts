export { runCli } from './main.js';
export type { CliHost } from './main.js';
export type { Session, Speech, Surroundings } from './session.js';
export { discoverPlugins } from './plugin-discovery.js';
export type { ConfiguredPlugin } from './plugin-discovery.js';
export { exitStatus } from './exit-status.js';
