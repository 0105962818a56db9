/**
 * What a TypeScript or JavaScript file declares to others: its exports, and of the rest of the file what their types
 * depend on. Two texts with the same declarations have the same types.
 */

import type * as ts from 'typescript';
import { compareBytes } from '../../base/order.js';
import type { Typescript } from '../typescript.js';
import { DeclaredText, type Written } from './declared-text.js';
import { SourceText } from './source-text.js';

export interface Declaration {
  /** As it is known outside; of what is not exported, as the file calls it. */
  readonly name: string;
  /** On one line, without bodies. */
  readonly shown: string;
  /** What its inferred types depend on; empty: nothing. */
  readonly deciding: string;
}

/** Undefined: what it declares cannot be told from its text, so that all of its text counts. */
export function declaredInterface(
  compiler: Typescript,
  path: string,
  text: string,
): Declaration[] | undefined {
  // Without `export`, everything in it is declared.
  if (/\.d\.[cm]?ts$/.test(path)) return undefined;
  const source = compiler.createSourceFile(path, text, compiler.ScriptTarget.Latest, true);
  const { parseDiagnostics = [] } = source as { readonly parseDiagnostics?: readonly unknown[] };
  if (parseDiagnostics.length > 0) return undefined;
  return new Reader(compiler, source, /\.[cm]?jsx?$/.test(path)).read();
}

/** A statement, or one of several variables that a statement declares. */
interface Declared {
  readonly node: ts.Node;
  readonly isExported: boolean;
}

class Reader {
  private readonly ts: Typescript;
  private readonly source: ts.SourceFile;
  private readonly writer: DeclaredText;
  private readonly text: SourceText;
  private readonly isScript: boolean;
  private readonly scope = new Map<string, Declared[]>();
  private readonly imports = new Map<string, string>();
  /** Statements that declare nothing, but may add to what is declared. */
  private readonly others: ts.Statement[] = [];
  private readonly roots: { readonly name: string; readonly node: ts.Node }[] = [];
  private readonly found = new Map<ts.Node, Declaration>();
  private readonly more: Declaration[] = [];
  private readonly wanted: string[] = [];
  private readonly known = new Set<string>();
  /** Names in lists of exports. */
  private readonly listed = new Set<string>();

  constructor(compiler: Typescript, source: ts.SourceFile, isScript: boolean) {
    this.ts = compiler;
    this.source = source;
    this.isScript = isScript;
    this.writer = new DeclaredText(compiler, source, isScript);
    this.text = new SourceText(compiler, source, isScript);
  }

  read(): Declaration[] | undefined {
    const { source } = this;
    for (const statement of source.statements) this.place(statement);
    const isModule = source.statements.some((one) => this.isModuleSyntax(one));
    if (!isModule && !this.readCommonJs()) return undefined;
    for (const { fileName } of [...source.referencedFiles, ...source.typeReferenceDirectives])
      this.add(`reference ${fileName}`, fileName);
    if (this.isScript) this.readTypeComments();
    for (const { name, node } of this.roots) this.emit(name, node, true);
    for (let before = -1; before !== this.found.size; ) {
      before = this.found.size;
      for (let name = this.wanted.pop(); name !== undefined; name = this.wanted.pop()) this.resolve(name);
      for (const other of this.others) {
        this.text.start();
        this.text.of(other);
        if ([...this.text.end()].some((name) => this.known.has(name) && this.scope.has(name)))
          this.emit('statement', other, false);
      }
    }
    const inOrder = [...this.found].sort(([a], [b]) => a.pos - b.pos).map(([, one]) => one);
    return [...inOrder, ...this.more].sort((a, b) => compareBytes(a.name, b.name));
  }

  private place(statement: ts.Statement): void {
    const { ts } = this;
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
    const has = (kind: ts.SyntaxKind) => modifiers.some((one) => one.kind === kind);
    const isExported = has(ts.SyntaxKind.ExportKeyword);
    const declare = (name: string, node: ts.Node) => {
      this.scope.set(name, [...(this.scope.get(name) ?? []), { node, isExported }]);
      if (!isExported) return;
      this.roots.push({ name: has(ts.SyntaxKind.DefaultKeyword) ? 'default' : name, node });
      this.wanted.push(name);
    };
    if (ts.isImportDeclaration(statement)) this.placeImport(statement);
    else if (ts.isVariableStatement(statement)) {
      for (const one of statement.declarationList.declarations)
        for (const name of this.bound(one.name)) declare(name, one);
    } else if (
      ts.isModuleDeclaration(statement) &&
      !(ts.isIdentifier(statement.name) && !isGlobal(ts, statement))
    ) {
      this.roots.push({ name: this.text.of(statement.name), node: statement });
    } else if (
      ts.isFunctionDeclaration(statement) ||
      ts.isClassDeclaration(statement) ||
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement) ||
      ts.isEnumDeclaration(statement) ||
      ts.isModuleDeclaration(statement) ||
      ts.isImportEqualsDeclaration(statement)
    )
      declare(statement.name?.text ?? 'default', statement);
    else if (ts.isExportDeclaration(statement)) this.placeExports(statement);
    else if (ts.isExportAssignment(statement))
      this.roots.push({ name: statement.isExportEquals ? 'export =' : 'default', node: statement });
    else if (ts.isNamespaceExportDeclaration(statement))
      this.roots.push({ name: statement.name.text, node: statement });
    else this.others.push(statement);
  }

  private placeImport({ importClause, moduleSpecifier }: ts.ImportDeclaration): void {
    const { ts } = this;
    const from = this.text.of(moduleSpecifier);
    // Read for what it does, which may be to declare something globally.
    if (!importClause) {
      this.add(`import ${from}`, `import ${from}`);
      return;
    }
    const { name, namedBindings } = importClause;
    if (name) this.imports.set(name.text, `import ${name.text} from ${from}`);
    if (!namedBindings) return;
    if (ts.isNamespaceImport(namedBindings))
      this.imports.set(namedBindings.name.text, `import * as ${namedBindings.name.text} from ${from}`);
    else
      for (const one of namedBindings.elements)
        this.imports.set(one.name.text, `import { ${this.text.of(one)} } from ${from}`);
  }

  private placeExports(statement: ts.ExportDeclaration): void {
    const { ts } = this;
    const { exportClause, moduleSpecifier } = statement;
    const from = moduleSpecifier ? ` from ${this.text.of(moduleSpecifier)}` : '';
    const type = statement.isTypeOnly ? 'type ' : '';
    if (!exportClause) this.add(`*${from}`, `export ${type}*${from}`);
    else if (ts.isNamespaceExport(exportClause)) {
      const name = exportClause.name.text;
      this.add(name, `export ${type}* as ${name}${from}`);
    } else {
      for (const one of exportClause.elements) {
        this.add(one.name.text, `export ${type}{ ${this.text.of(one)} }${from}`);
        if (from !== '') continue;
        const local = (one.propertyName ?? one.name).text;
        this.listed.add(local);
        this.wanted.push(local);
      }
    }
  }

  /** `module.exports = …` and `exports.a = …` at the top of the file; false where it is done in another way, or not at all. */
  private readCommonJs(): boolean {
    const { ts } = this;
    if (!this.isScript) return false;
    let uses = 0;
    const count = (node: ts.Node): void => {
      if (ts.isIdentifier(node) && (node.text === 'module' || node.text === 'exports')) uses++;
      ts.forEachChild(node, count);
    };
    count(this.source);
    for (const statement of [...this.others]) {
      if (!ts.isExpressionStatement(statement) || !ts.isBinaryExpression(statement.expression)) continue;
      const { left, operatorToken } = statement.expression;
      if (operatorToken.kind !== ts.SyntaxKind.EqualsToken) continue;
      const target = /^(module\.exports|exports)(?:\.([\w$]+))?$/.exec(this.text.of(left));
      if (!target || (target[1] === 'exports' && target[2] === undefined)) continue;
      uses -= target[1] === 'exports' ? 1 : 2;
      this.others.splice(this.others.indexOf(statement), 1);
      this.roots.push({ name: target[2] ?? 'module.exports', node: statement });
    }
    return uses === 0 && this.roots.length > 0;
  }

  /** Comments that declare types, wherever they stand. */
  private readTypeComments(): void {
    const nodes: ts.Node[] = [...this.source.statements, this.source.endOfFileToken];
    for (const node of nodes) {
      this.text.start();
      for (const comment of this.text.commentsOf(node)) {
        if (!/@(?:typedef|callback|import|enum|overload)\b/.test(comment)) continue;
        this.add('types', comment);
        this.wanted.push(...this.text.end());
      }
    }
  }

  private resolve(name: string): void {
    if (this.known.has(name)) return;
    this.known.add(name);
    const imported = this.imports.get(name);
    if (imported !== undefined) this.add(`import ${name}`, imported);
    for (const { node, isExported } of this.scope.get(name) ?? [])
      this.emit(name, node, isExported || this.listed.has(name));
  }

  private emit(name: string, node: ts.Node, docs: boolean): void {
    const { ts } = this;
    if (this.found.has(node)) return;
    const others =
      ts.isFunctionDeclaration(node) && node.body ? (this.scope.get(node.name?.text ?? name) ?? []) : [];
    // Of overloads the declarations count, not what implements them all.
    if (others.some((one) => ts.isFunctionDeclaration(one.node) && !one.node.body)) return;
    const { shown, deciding, names }: Written = this.writer.write(node, docs);
    this.found.set(node, { name, shown, deciding: deciding.join('\0') });
    this.wanted.push(...names);
  }

  private add(name: string, shown: string): void {
    this.more.push({ name, shown, deciding: '' });
  }

  private bound(name: ts.BindingName): string[] {
    const { ts } = this;
    if (ts.isIdentifier(name)) return [name.text];
    return name.elements.flatMap((one) => (ts.isBindingElement(one) ? this.bound(one.name) : []));
  }

  private isModuleSyntax(statement: ts.Statement): boolean {
    const { ts } = this;
    if (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) return true;
    if (ts.isExportAssignment(statement) || ts.isImportEqualsDeclaration(statement)) return true;
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
    return modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
  }
}

function isGlobal(compiler: Typescript, node: ts.ModuleDeclaration): boolean {
  return (node.flags & compiler.NodeFlags.GlobalAugmentation) !== 0;
}
