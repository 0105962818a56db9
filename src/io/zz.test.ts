import {test} from 'vitest';
import {parseYaml, locate, validateSchema} from './document.js';
test('x', async () => {
  for (const t of ['[['.repeat(400), '['.repeat(400000), '- '.repeat(20000), 'a: 1\na: 2\nb: [', 'a: &x 1\nb: *y', '%YAML 1.1\n---\na: !!binary x', 'a: .inf', '', '<<: {a: 1}', 'a: {b: c', '\t- a: 1']) {
    const s = performance.now(); const r = await parseYaml(t, 'f'); console.log(t.slice(0,20), JSON.stringify(r).slice(0,300), performance.now()-s);
  }
  console.log(await locate('tasks:\n  - id: a\n    outputs: [x, "y z"]\n', ['tasks',0,'outputs',1]), await locate('tasks:\n  - id: a\n', ['tasks',0,'id'],{key:true, lineOffset: 3}));
  console.log(JSON.stringify(await validateSchema('backlog', {tasks:[{id:1, dependson:[], complexity:'hgih', verify:[{x:1}], outputs:'a'}]}),null,1));
});
