import { expect, it } from 'vitest';
import { tellingOrder } from '../src/telling-order.js';
import type { ClauseKind, OwnedClause } from '../src/problem.js';

const clause = (by: number, kind: ClauseKind, ...targets: number[]): OwnedClause<string> => ({ by, kind, targets, reason: `${by}` });

it.each<[string, readonly OwnedClause<string>[], readonly number[]]>([
  ['a root before what follows from it', [clause(1, 'requires', 2), clause(0, 'requires', 1)], [0, 1]],
  [
    'one root with its consequences before the next',
    [clause(0, 'requires', 1), clause(0, 'requires', 3), clause(1, 'requires', 2), clause(2, 'requires', 4), clause(3, 'conflicts', 4)],
    [0, 1, 2, 0, 3],
  ],
  ['a circle once', [clause(0, 'requires', 1), clause(1, 'requires', 2), clause(2, 'requires', 1)], [0, 1, 2]],
  ['nothing behind an exclusion', [clause(0, 'conflicts', 1), clause(1, 'requires', 2)], [0]],
])('tells %s', (_what, core, owners) => {
  expect(tellingOrder(core).map(({ by }) => by)).toEqual(owners);
});
