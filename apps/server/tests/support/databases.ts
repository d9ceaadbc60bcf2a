import { randomUUID } from "node:crypto";
import { join } from "node:path";
import pg from "pg";
import { inject } from "vitest";
import { type Database, openDatabase, openSqliteDatabase } from "../../src/db/dialect.ts";
import { temporaryFolder } from "./temporary.ts";

/** A new, empty database of PostgreSQL; returns its URL. */
export async function newPostgresUrl(): Promise<string> {
  const name = `t_${randomUUID().replaceAll("-", "")}`;
  const admin = new pg.Client(`${inject("postgresUrl")}postgres`);
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  return `${inject("postgresUrl")}${name}`;
}

/** Every store that the console runs on. */
export const stores: [string, () => Promise<Database>][] = [
  ["SQLite in memory", () => openSqliteDatabase(":memory:")],
  ["SQLite file", async () => openSqliteDatabase(join(await temporaryFolder(), "ciclo.db"))],
  ["PostgreSQL", async () => openDatabase({ url: await newPostgresUrl(), file: "" })],
];
