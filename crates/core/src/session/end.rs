//! Why a session has ended.

/// Why a session has ended, as its page, the log and the other gateways are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// Somebody logged out.
    Logout,
    /// It timed out, or its refresh token is dead.
    Expired,
    /// A login took its place.
    Replaced,
    /// The provider, an operator, or the user elsewhere ended it.
    Revoked,
    /// A ticket that another one had replaced came back: somebody has a copy.
    Reused,
    /// A crash lost its rotated token between the provider's answer and the store's write.
    Lost,
}

impl End {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Logout, Self::Expired, Self::Replaced, Self::Revoked, Self::Reused, Self::Lost];

    /// The word for it in events and in the log.
    pub fn text(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Expired => "expired",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
            Self::Reused => "reused",
            Self::Lost => "lost",
        }
    }

    /// The end of that word; `None` where a newer version than this has more of them.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.text() == text)
    }
}
