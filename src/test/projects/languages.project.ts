/** From `git clone` to a published feature in repositories without a package.json: Python and Go. */

import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ExistingProject, writeInto } from './existing-project.js';

const python = ['python3', '/usr/bin/python3'].find(
  (one) => spawnSync(one, ['-c', 'import pytest, venv']).status === 0,
);

describe.runIf(python !== undefined)('Python (needs python3 with pytest and venv)', () => {
  test('a package that is installed as editable, with pytest and ruff', async () => {
    using project = new ExistingProject({
      'pyproject.toml':
        '[project]\nname = "acme"\nversion = "1.0.0"\n[tool.ruff]\nline-length = 100\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n',
      'src/acme/__init__.py': 'def total(a, b):\n    return a + b\n',
      'tests/test_total.py':
        'from acme import total\n\n\ndef test_total():\n    assert total(1, 2) in (3, 2)\n',
      '.gitignore': '.venv\n__pycache__\n.ruff_cache\n.pytest_cache\n',
    });
    project.run(python as string, '-m', 'venv', '--without-pip', '--system-site-packages', '.venv');
    const environment = project.clone.path('.venv');
    const [lib] = readdirSync(`${environment}/lib`);
    // As `pip install --editable .` and `pip install pytest` leave them; pip itself needs the network.
    writeInto(environment, {
      [`lib/${lib}/site-packages/__editable__.acme-1.0.0.pth`]: `${project.clone.path('src')}\n`,
      'bin/pytest': `#!${environment}/bin/python\nimport sys\nfrom pytest import console_main\nsys.exit(console_main())\n`,
    });
    chmodSync(`${environment}/bin/pytest`, 0o755);
    const hasRuff = installed('ruff', environment);
    if (!hasRuff) process.stderr.write('NOT TESTED: ruff cannot be installed with pip\n');
    const total = (sign: string) => `def total(a, b):\n    return a ${sign} b\n`;
    const said = await project.way(
      {
        edits: ['src/acme/__init__.py'],
        outputs: ['src/acme/more.py'],
        check: '.venv/bin/pytest -q',
        wrong: { 'src/acme/__init__.py': total('-'), 'src/acme/more.py': 'MORE = 1\n' },
        right: { 'src/acme/__init__.py': total('*') },
      },
      [/\.venv\/bin\/pytest/, ...(hasRuff ? [/\.venv\/bin\/ruff check/] : [])],
    );
    expect(said).toMatch(/npx conductor-build|conductor build/);
    expect(readdirSync(project.clone.dir)).not.toContain('package.json');
  });
});

function installed(name: string, environment: string): boolean {
  const args = [
    '-m',
    'pip',
    '--python',
    `${environment}/bin/python`,
    'install',
    '--quiet',
    '--no-deps',
    name,
  ];
  const ran = spawnSync(python as string, [...args, '--retries', '0', '--timeout', '10'], {
    timeout: 30_000,
  });
  return ran.status === 0;
}

const hasGo = spawnSync('go', ['version']).status === 0;

describe.runIf(hasGo)('Go (needs go)', () => {
  test('a module', async () => {
    using project = new ExistingProject({
      'go.mod': 'module example.org/acme\n\ngo 1.19\n',
      'total.go': 'package acme\n\n// Total adds.\nfunc Total(a, b int) int { return a + b }\n',
      'total_test.go':
        'package acme\n\nimport "testing"\n\nfunc TestTotal(t *testing.T) {\n\tif Total(1, 2) != 3 {\n\t\tt.Fatal("wrong")\n\t}\n}\n',
    });
    const product = (sign: string) =>
      `package acme\n\n// Product multiplies.\nfunc Product(a, b int) int { return a ${sign} b }\n`;
    await project.way(
      {
        edits: [],
        outputs: ['product.go', 'product_test.go'],
        check: 'GOCACHE="$TMPDIR/go-build" go test ./...',
        wrong: {
          'product.go': product('+'),
          'product_test.go':
            'package acme\n\nimport "testing"\n\nfunc TestProduct(t *testing.T) {\n\tif Product(2, 3) != 6 {\n\t\tt.Fatal("wrong")\n\t}\n}\n',
        },
        right: { 'product.go': product('*') },
      },
      [/go vet/, /go test/],
    );
  });
});
