/** What is done outside the database for a change: a procedure of named steps in the journal. */
export type OperationKind = "submit" | "land" | "discard" | "revert";
