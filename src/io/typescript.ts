/**
 * The exports of a JavaScript or TypeScript file, read by the compiler's parser. The adapter of the package
 * `typescript`, if the project or conductor has it. Uses no type checker.
 */

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type * as ts from 'typescript';

export type Typescript = typeof ts;

/** The project's compiler, else one beside conductor; undefined when there is none. */
export async function loadTypescript(project: string): Promise<Typescript | undefined> {
  for (const from of [pathToFileURL(`${project}/package.json`).href, import.meta.url]) {
    let file: string;
    try {
      file = createRequire(from).resolve('typescript');
    } catch {
      continue;
    }
    const loaded = (await import(pathToFileURL(file).href)) as { default?: Typescript } & Typescript;
    const found = loaded.default ?? loaded;
    if (typeof found.createSourceFile === 'function') return found;
  }
  return undefined;
}

/** Whether the file is one whose exports can be read. */
export function isScript(path: string): boolean {
  return /\.[cm]?[jt]sx?$/.test(path);
}

/** Exported names to how they are declared, without bodies, comments and private members. */
export function exportedInterface(ts: Typescript, path: string, text: string): Map<string, string> {
  return new Reader(ts, ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)).read();
}

class Reader {
  private readonly ts: Typescript;
  private readonly source: ts.SourceFile;
  private readonly printer: ts.Printer;
  /** Declarations at the top of the file; a function may have several (overloads). */
  private readonly local = new Map<string, string[]>();
  private readonly found = new Map<string, string>();

  constructor(compiler: Typescript, source: ts.SourceFile) {
    this.ts = compiler;
    this.source = source;
    this.printer = compiler.createPrinter({ removeComments: true });
  }

  read(): Map<string, string> {
    for (const statement of this.source.statements) this.declare(statement);
    for (const statement of this.source.statements) this.export(statement);
    return this.found;
  }

  private declare(statement: ts.Statement): void {
    for (const [name, signature] of this.declarations(statement)) {
      const known = this.local.get(name) ?? [];
      // Of an overloaded function the declarations count, not what implements them all.
      const isBody = this.ts.isFunctionDeclaration(statement) && statement.body && known.length > 0;
      if (!isBody) this.local.set(name, [...known, signature]);
    }
  }

  /** Names that a statement declares, with their signatures. */
  private declarations(node: ts.Statement): [string, string][] {
    const { ts } = this;
    if (ts.isFunctionDeclaration(node))
      return [[node.name?.text ?? 'default', `function ${this.callable(node)}`]];
    if (ts.isClassDeclaration(node)) return [[node.name?.text ?? 'default', this.class(node)]];
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isEnumDeclaration(node))
      return [[node.name.text, this.text(node)]];
    if (ts.isModuleDeclaration(node)) return [[node.name.text, this.text(node)]];
    if (!ts.isVariableStatement(node)) return [];
    return node.declarationList.declarations.flatMap((one) => this.variable(one.name, one));
  }

  private variable(name: ts.BindingName, from: ts.VariableDeclaration): [string, string][] {
    const { ts } = this;
    if (!ts.isIdentifier(name)) {
      return name.elements.flatMap((element) =>
        ts.isBindingElement(element) ? this.variable(element.name, from) : [],
      );
    }
    const value = from.name === name ? from.initializer : undefined;
    if (from.type && from.name === name) return [[name.text, `${name.text}: ${this.text(from.type)}`]];
    return [[name.text, this.value(name.text, value)]];
  }

  private value(name: string, value: ts.Expression | undefined): string {
    const { ts } = this;
    if (value && (ts.isArrowFunction(value) || ts.isFunctionExpression(value)))
      return `function ${this.callable(value, name)}`;
    if (value && ts.isClassExpression(value)) return this.class(value, name);
    return name;
  }

  private export(statement: ts.Statement): void {
    const { ts } = this;
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
    const has = (kind: ts.SyntaxKind) => modifiers.some((modifier) => modifier.kind === kind);
    if (has(ts.SyntaxKind.ExportKeyword)) {
      const isDefault = has(ts.SyntaxKind.DefaultKeyword);
      for (const [name] of this.declarations(statement)) this.add(isDefault ? 'default' : name, name);
    } else if (ts.isExportAssignment(statement)) {
      this.found.set(
        statement.isExportEquals ? 'export =' : 'default',
        this.expression(statement.expression),
      );
    } else if (ts.isExportDeclaration(statement)) {
      this.exportList(statement);
    } else if (ts.isExpressionStatement(statement)) {
      this.commonJs(statement.expression);
    }
  }

  private exportList(node: ts.ExportDeclaration): void {
    const { ts } = this;
    const from = node.moduleSpecifier ? this.text(node.moduleSpecifier) : undefined;
    const clause = node.exportClause;
    if (!clause) this.found.set(`* from ${from}`, `all of ${from}`);
    else if (ts.isNamespaceExport(clause)) this.found.set(clause.name.text, `all of ${from}`);
    else {
      for (const { name, propertyName } of clause.elements) {
        const local = (propertyName ?? name).text;
        if (from === undefined) this.add(name.text, local);
        else this.found.set(name.text, `${local} of ${from}`);
      }
    }
  }

  /** `module.exports = { a, b }`, `module.exports = …`, `exports.a = …`. */
  private commonJs(node: ts.Expression): void {
    const { ts } = this;
    if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return;
    const target = this.text(node.left);
    const name = /^(?:module\.)?exports\.([\w$]+)$/.exec(target)?.[1];
    if (name !== undefined) this.found.set(name, this.expression(node.right, name));
    if (target !== 'module.exports') return;
    if (!ts.isObjectLiteralExpression(node.right)) {
      this.found.set('module.exports', this.expression(node.right));
      return;
    }
    for (const property of node.right.properties) {
      if (!property.name) continue;
      const key = this.text(property.name);
      if (ts.isShorthandPropertyAssignment(property)) this.add(key, key);
      else if (ts.isPropertyAssignment(property))
        this.found.set(key, this.expression(property.initializer, key));
      else if (ts.isMethodDeclaration(property))
        this.found.set(key, `function ${this.callable(property, key)}`);
      else this.found.set(key, key);
    }
  }

  private add(name: string, local: string): void {
    this.found.set(name, this.local.get(local)?.join('; ') ?? local);
  }

  private expression(node: ts.Expression, name = 'default'): string {
    if (this.ts.isIdentifier(node)) return this.local.get(node.text)?.join('; ') ?? node.text;
    return this.value(name, node);
  }

  private callable(node: ts.SignatureDeclaration, name = node.name ? this.text(node.name) : ''): string {
    const { ts } = this;
    const types = node.typeParameters
      ? `<${node.typeParameters.map((one) => this.text(one)).join(', ')}>`
      : '';
    const parameters = node.parameters.map((parameter) => {
      const rest = parameter.dotDotDotToken ? '...' : '';
      const optional = parameter.questionToken || parameter.initializer ? '?' : '';
      const type = parameter.type ? `: ${this.text(parameter.type)}` : '';
      return `${rest}${ts.isIdentifier(parameter.name) ? parameter.name.text : this.text(parameter.name)}${optional}${type}`;
    });
    const returns = node.type ? `: ${this.text(node.type)}` : '';
    return `${name}${types}(${parameters.join(', ')})${returns}`;
  }

  private class(node: ts.ClassLikeDeclaration, name = node.name?.text ?? 'default'): string {
    const { ts } = this;
    const heritage = (node.heritageClauses ?? []).map((clause) => ` ${this.text(clause).trim()}`).join('');
    const members = node.members.flatMap((member) => {
      const modifiers = ts.canHaveModifiers(member) ? (ts.getModifiers(member) ?? []) : [];
      const isPrivate =
        modifiers.some((modifier) => modifier.kind === ts.SyntaxKind.PrivateKeyword) ||
        (member.name !== undefined && ts.isPrivateIdentifier(member.name));
      if (isPrivate) return [];
      const words = modifiers
        .filter(ts.isModifier)
        .map((modifier) => `${this.text(modifier)} `)
        .join('');
      return [`${words}${this.member(member)}`];
    });
    return `class ${name}${heritage} { ${members.join('; ')} }`;
  }

  private member(member: ts.ClassElement): string {
    const { ts } = this;
    if (ts.isConstructorDeclaration(member)) return `constructor${this.callable(member, '')}`;
    if (ts.isGetAccessor(member)) return `get ${this.callable(member)}`;
    if (ts.isSetAccessor(member)) return `set ${this.callable(member)}`;
    if (ts.isMethodDeclaration(member)) return this.callable(member);
    if (!ts.isPropertyDeclaration(member)) return this.text(member);
    const type = member.type ? `: ${this.text(member.type)}` : '';
    return `${this.text(member.name)}${member.questionToken ? '?' : ''}${type}`;
  }

  /** The node as the compiler prints it, on one line. */
  private text(node: ts.Node): string {
    const printed = this.printer.printNode(this.ts.EmitHint.Unspecified, node, this.source);
    return printed.replace(/\s+/g, ' ').replace(/^export (default )?(declare )?/, '');
  }
}
