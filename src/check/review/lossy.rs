//! Which changes of a type lose something, as far as the two types are known.

use crate::script::ColumnType;

/// What a type holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Bits.
    Integer(u32),
    /// Digits before and behind the point, where they are limited.
    Decimal(Option<(u32, u32)>),
    Float,
    /// Characters, where they are limited.
    Text(Option<u32>),
    Boolean,
    Date,
    Time,
    DateTime {
        has_time_zone: bool,
    },
    Json,
    Uuid,
    Bytes,
    Enumeration,
}

/// What does not survive the change; `None` where all does, or nobody knows.
pub(super) fn loss(from: &ColumnType, to: &ColumnType) -> Option<String> {
    use Kind::{
        Boolean, Bytes, Date, DateTime, Decimal, Enumeration, Float, Integer, Json, Text, Time,
        Uuid,
    };
    let (from, to) = (kind(from)?, kind(to)?);
    let lost = match (from, to) {
        (Integer(before), Integer(after)) if after < before => "numbers that are too large",
        (Integer(_), Boolean) => "numbers other than 0 and 1",
        (Decimal(_) | Float, Integer(_)) => "what stands behind the point",
        (Decimal(_), Float) => "exact digits",
        (Decimal(Some((p, s))), Decimal(Some((q, t)))) => {
            let is_whole_kept = q.saturating_sub(t) >= p.saturating_sub(s);
            match (is_whole_kept, t >= s) {
                (true, true) => return None,
                (true, false) => "digits behind the point",
                (false, _) => "numbers that are too large",
            }
        }
        (Decimal(None), Decimal(Some(_))) => "numbers with more digits",
        (Text(before), Text(Some(after))) if before.is_none_or(|before| before > after) => {
            return Some(format!("texts of more than {after} characters"));
        }
        (
            Text(_),
            Integer(_) | Decimal(_) | Float | Boolean | Date | Time | DateTime { .. } | Json | Uuid,
        ) => "texts that are none",
        (Text(_), Enumeration) => "texts that are none of its values",
        (DateTime { .. }, Date) => "the time of day",
        (DateTime { .. }, Time) => "the date",
        (DateTime { has_time_zone: true }, DateTime { has_time_zone: false }) => "the time zone",
        (
            Json | Bytes,
            Integer(_) | Decimal(_) | Float | Boolean | Date | Time | DateTime { .. },
        ) => "what is no such value",
        (Boolean, Date | DateTime { .. } | Uuid) | (Date | DateTime { .. } | Uuid, Boolean) => {
            "all values"
        }
        _ => return None,
    };
    Some(lost.to_owned())
}

fn kind(ty: &ColumnType) -> Option<Kind> {
    if ty.enumeration.is_some() {
        return Some(Kind::Enumeration);
    }
    let first = ty.numbers.first().copied();
    Some(match ty.name.as_str() {
        "tinyint" => Kind::Integer(8),
        "smallinteger" | "smallint" | "int2" | "smallserial" => Kind::Integer(16),
        "mediumint" => Kind::Integer(24),
        "integer" | "int" | "int4" | "serial" => Kind::Integer(32),
        "biginteger" | "bigint" | "int8" | "bigserial" => Kind::Integer(64),
        "numeric" | "decimal" => {
            Kind::Decimal(first.map(|p| (p, ty.numbers.get(1).copied().unwrap_or(0))))
        }
        "float" | "real" | "double" | "double_precision" | "float4" | "float8" => Kind::Float,
        "string" | "varchar" | "unicode" | "char" | "nchar" | "nvarchar" | "autostring" => {
            Kind::Text(first)
        }
        "text" | "unicodetext" | "clob" | "mediumtext" | "longtext" => Kind::Text(None),
        "boolean" | "bool" => Kind::Boolean,
        "date" => Kind::Date,
        "time" => Kind::Time,
        "datetime" | "timestamp" | "timestamptz" => {
            Kind::DateTime { has_time_zone: ty.has_time_zone }
        }
        "json" | "jsonb" => Kind::Json,
        "uuid" => Kind::Uuid,
        "largebinary" | "bytea" | "blob" => Kind::Bytes,
        _ => return None,
    })
}
