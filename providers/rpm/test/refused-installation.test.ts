import { expect, it } from 'vitest';
import { failedScriptlet } from '../src/install/refused-installation.js';

it.each([
  ['error: %prein(app-1.0-1.noarch) scriptlet failed, exit status 7', 'needed'],
  // Since rpm 4.19, of packages that bring users.
  ['error: %sysusers(app-1.0-1.noarch) scriptlet failed, exit status 7', 'needed'],
  ['warning: %post(app-1.0-1.noarch) scriptlet failed, exit status 7', 'passed over'],
  ['warning: %triggerprein(app-1.0-1.noarch) scriptlet failed, exit status 7', 'passed over'],
  ['error: lua script failed: [string "%pretrans(app-1.0-1.noarch)"]:1: no', 'needed'],
  ['error: lua script failed: [string "%post(app-1.0-1.noarch)"]:1: no', 'passed over'],
  ['warning: user app does not exist - using root', undefined],
])('tells whether rpm installs the package all the same: %s', (line, verdict) => {
  expect(failedScriptlet(line)).toBe(verdict);
});
